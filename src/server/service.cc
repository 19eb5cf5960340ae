#include "server/service.h"

#include "server/web_files.h"

namespace sotto {
namespace {

// The page loads nothing from elsewhere, and cannot.
constexpr const char* kContentPolicy =
    "default-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "worker-src 'self' blob:; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action "
    "'self'";

void AddSafety(WebResponse& response) {
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cache-Control", "no-store");
  if (response.type.starts_with("text/html")) {
    response.headers.emplace_back("Content-Security-Policy", kContentPolicy);
    response.headers.emplace_back("Permissions-Policy", "microphone=(self), camera=(), geolocation=()");
  }
}

// Anybody may send any word as a method.
std::string MethodName(const std::string& method) {
  for (const char* known : {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    if (method == known) return method;
  }
  return "_OTHER";
}

WebResponse PlainText(std::string text, int status = 200) {
  WebResponse response;
  response.status = status;
  response.type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

VoiceSocketServices SocketServices(const Service::Parts& parts) {
  return {parts.calls,
          parts.workflows,
          parts.metrics,
          parts.scheduler,
          [access = parts.access](std::string_view token) { return access->CheckToken(token); },
          [access = parts.access](const Client& client) { return access->Hold(client); }};
}

// That of the working folder, or of the checkout that the workflow lies in (workflows/NAME).
std::filesystem::path SpecialistsFolder(const ServedWorkflows& workflows) {
  std::error_code error;
  const ServedWorkflowPtr first = workflows.Find("");
  if (std::filesystem::exists("specialists", error) || first == nullptr) return "specialists";
  return first->deployment->workflow().folder / ".." / ".." / "specialists";
}

}  // namespace

Service::Service(Parts parts)
    : parts_(std::move(parts)),
      rest_(*parts_.clock, *parts_.access, *parts_.sessions, *parts_.workflows, *parts_.call_log),
      sockets_(SocketServices(parts_)),
      realtime_(SocketServices(parts_), *parts_.access, *parts_.models,
                [admission = parts_.admission, metrics = parts_.metrics] {
                  return admission->AdmitSession(metrics->calls() > 0);
                }),
      rtvi_(SocketServices(parts_), *parts_.access),
      streams_(
          {parts_.clock, parts_.scheduler, parts_.calls, parts_.workflows, parts_.metrics, parts_.call_log},
          parts_.carriers),
      asterisk_(
          {parts_.access, parts_.scheduler, parts_.calls, parts_.workflows, parts_.metrics, parts_.call_log}),
      openai_(*parts_.scheduler, *parts_.workflows, *parts_.models, parts_.gateway, parts_.metrics),
      specialists_(*parts_.scheduler,
                   [workflows = parts_.workflows] { return SpecialistsFolder(*workflows); }),
      search_(*parts_.scheduler, parts_.indexes),
      recordings_(*parts_.scheduler, parts_.recordings),
      labels_(*parts_.scheduler, parts_.desks, parts_.recordings),
      cache_(parts_.cache) {
  AddRoutes();
  rest_.AddTo(router_);
  streams_.AddTo(router_);
  openai_.AddTo(router_);
  specialists_.AddTo(router_);
  search_.AddTo(router_);
  recordings_.AddTo(router_);
  labels_.AddTo(router_);
  cache_.AddTo(router_);
}

void Service::AddRoutes() {
  router_.Add({"GET", "/healthz", "", [](Exchange exchange) { exchange.respond(PlainText("ok\n")); }});
  router_.Add({"GET", "/readyz", "", [this](Exchange exchange) {
                 exchange.respond(ready_ ? PlainText("ready\n") : PlainText("not ready\n", 503));
               }});
  router_.Add({"GET", "/metrics", scope::kMetrics, [this](Exchange exchange) {
                 WebResponse response =
                     PlainText(parts_.metrics->Text(parts_.scheduler->counters(), parts_.connections()));
                 response.type = "text/plain; version=0.0.4; charset=utf-8";
                 exchange.respond(std::move(response));
               }});
  router_.Add({"POST", "/v1/tokens", scope::kTalk, [this](Exchange exchange) {
                 if (exchange.client.by_token) {
                   exchange.respond(ToResponse(
                       Problem{403, "forbidden", "a token makes no other token; ask with the key"}));
                   return;
                 }
                 exchange.respond(ToResponse(Json{{"token", parts_.access->NewToken(exchange.client)},
                                                  {"expires_in", parts_.access->token_lasts().count()}},
                                             201));
               }});
  router_.Add({"POST", "/v1/reload", scope::kAdmin, [this](Exchange exchange) {
                 parts_.scheduler->Post(
                     {.blocks = true, .what = "a reload"},
                     [reload = parts_.reload](std::stop_token) { return reload(); },
                     [respond = std::move(exchange.respond)](Result<void> done) {
                       if (!done) {
                         return respond(ToResponse(Problem{422, "not_reloaded", done.error().message}));
                       }
                       respond(ToResponse(Json{{"reloaded", true}}));
                     });
               }});
}

void Service::Handle(WebRequest request, HttpRespond respond) {
  const TimePoint began = parts_.clock->Now();
  const Router::Found found = router_.Find(request.method, request.path);
  std::string route = found.route != nullptr ? found.route->pattern : "other";
  std::optional<Span> span;
  if (parts_.tracer->on()) {
    span = parts_.tracer->Begin(TraceContextOf(request),
                                fmt::format("{} {}", MethodName(request.method), route), Span::Kind::kServer);
    span->attributes = {{"http.request.method", MethodName(request.method)}, {"http.route", route}};
  }
  Answer(request, span ? std::optional(span->context) : std::nullopt,
         [this, began, span, route = std::move(route), respond = std::move(respond)](WebResponse response) {
           AddSafety(response);
           parts_.metrics->Request(route, response.status, parts_.clock->Now() - began);
           if (span) EndSpan(*span, response.status);
           respond(std::move(response));
         });
}

void Service::EndSpan(Span span, int status) {
  span.attributes.emplace_back("http.response.status_code", static_cast<int64_t>(status));
  span.failed = status >= 500;
  parts_.tracer->End(std::move(span));
}

void Service::Answer(const WebRequest& request, std::optional<TraceContext> trace, HttpRespond respond) {
  Router::Found found = router_.Find(request.method, request.path);
  if (found.route == nullptr) {
    const WebFile* file = parts_.page && found.allowed.empty() ? FindWebFile(request.path) : nullptr;
    if (file != nullptr && (request.method == "GET" || request.method == "HEAD")) {
      WebResponse response;
      response.type = file->type;
      response.body = file->bytes;
      return respond(std::move(response));
    }
    if (found.allowed.empty()) {
      return respond(ToResponse(Problem{404, "not_found", "there is nothing at this address"}));
    }
    WebResponse response = ToResponse(
        Problem{405, "method_not_allowed", fmt::format("this address answers to {}", found.allowed)});
    response.headers.emplace_back("Allow", found.allowed);
    return respond(std::move(response));
  }
  Client client;
  const char* act = parts_.trail != nullptr ? AuditedAct(*found.route) : nullptr;
  if (!found.route->scope.empty()) {
    const auto refuse = [&](const Problem& problem) {
      parts_.metrics->Refused(problem.type);
      respond(found.route->scope == scope::kModels ? OpenAiApi::ToAnswer(problem) : ToResponse(problem));
    };
    auto checked = parts_.access->Check(request);
    if (!checked) return refuse(checked.error());
    client = *std::move(checked);
    if (!client.Can(found.route->scope)) {
      if (act != nullptr) parts_.trail->Refused(act, client, found.steps);
      return refuse({403, "forbidden", fmt::format("this key has not the scope '{}'", found.route->scope)});
    }
    // A model that writes takes what calls need.
    if (found.route->scope == scope::kModels && request.method == "POST") {
      if (const auto busy = parts_.admission->AdmitSession(parts_.metrics->calls() > 0)) {
        parts_.metrics->Refused("load");
        return respond(OpenAiApi::ToAnswer(*busy));
      }
    }
  }
  Exchange exchange{request, std::move(client), std::move(found.steps), std::move(respond), std::move(trace)};
  if (act != nullptr) return parts_.trail->Do(act, std::move(exchange), found.route->handle);
  found.route->handle(std::move(exchange));
}

std::variant<WebSocketAccept, WebResponse> Service::Upgrade(const WebRequest& request) {
  const auto refuse = [this](const Problem& problem) {
    parts_.metrics->Refused(problem.type);
    WebResponse response = ToResponse(problem);
    AddSafety(response);
    return response;
  };
  if (MediaStreams::CarrierOf(request.path)) {
    auto accepted = streams_.Upgrade(request);
    if (auto* refusal = std::get_if<WebResponse>(&accepted)) AddSafety(*refusal);
    return accepted;
  }
  if (request.path == AsteriskStreams::kPath) {
    auto accepted = asterisk_.Upgrade(request);
    if (auto* refusal = std::get_if<WebResponse>(&accepted)) AddSafety(*refusal);
    return accepted;
  }
  if (request.path == RealtimeSockets::kPath) {
    auto accepted = realtime_.Upgrade(request);
    if (auto* refusal = std::get_if<WebResponse>(&accepted)) AddSafety(*refusal);
    return accepted;
  }
  if (request.path == RtviSockets::kPath) {
    auto accepted = rtvi_.Upgrade(request);
    if (auto* refusal = std::get_if<WebResponse>(&accepted)) AddSafety(*refusal);
    return accepted;
  }
  if (request.path != "/v1/voice") {
    return refuse(
        {404, "not_found",
         "there is no WebSocket at this address; voice is at /v1/voice, for clients of the Realtime "
         "interface at /v1/realtime, for those of pipecat at /v1/rtvi"});
  }
  // A browser cannot set a header here: it says its token in the first message.
  if (!parts_.access->Introduced(request)) {
    if (auto origin = parts_.access->CheckOrigin(request); !origin) return refuse(origin.error());
    return WebSocketAccept{sockets_.Accept(std::nullopt, TraceContextOf(request)), {}};
  }
  auto client = parts_.access->Check(request);
  if (!client) return refuse(client.error());
  return WebSocketAccept{sockets_.Accept(*std::move(client), TraceContextOf(request)), {}};
}

size_t Service::MaxBody(std::string_view target) const {
  return OpenAiApi::MaxBody(target.substr(0, target.find('?')));
}

WebResponse Service::Refuse(int status, std::string_view why) {
  parts_.metrics->Refused("unreadable");
  WebResponse response =
      ToResponse(Problem{status, "unreadable", fmt::format("this cannot be read: {}", why)});
  AddSafety(response);
  return response;
}

}  // namespace sotto
