#include "server/rest_api.h"

#include <charconv>

#include "base/hash.h"
#include "server/example_sentences.h"
#include "server/json_fields.h"
#include "server/voice_messages.h"

namespace sotto {
namespace {

constexpr size_t kTurnBytes = 8000;

TextSessions::Done ToRespond(HttpRespond respond, int status = 200) {
  return [respond = std::move(respond), status](TextSessions::Answer answer) {
    respond(answer ? ToResponse(*answer, status) : ToResponse(answer.error()));
  };
}

Result<Json> BodyOf(const WebRequest& request) {
  const std::string* type = request.Header("content-type");
  if (type != nullptr && !type->starts_with("application/json"))
    return MakeError(ErrorCode::kInvalidArgument, "the body should be application/json");
  return ParseBody(request.body);
}

Problem UnknownWorkflow() {
  return {404, "unknown_workflow", "no such workflow is served; GET /v1/workflows lists those that are"};
}

void Refuse(const Exchange& exchange, const Error& error) { exchange.respond(ToResponse(ToProblem(error))); }

}  // namespace

WebResponse ToResponse(const Json& json, int status) {
  WebResponse response;
  response.status = status;
  response.body = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return response;
}

void RestApi::Add(Router& router, const char* method, const char* pattern, Handler handler) {
  router.Add({method, pattern, scope::kTalk,
              [this, handler](Exchange exchange) { (this->*handler)(std::move(exchange)); }});
}

void RestApi::AddOnce(Router& router, const char* method, const char* pattern, Handler handler) {
  router.Add({method, pattern, scope::kTalk, [this, handler](Exchange exchange) {
                const std::string* given = exchange.request.Header("idempotency-key");
                if (given == nullptr) return (this->*handler)(std::move(exchange));
                if (given->empty() || given->size() > 200) {
                  return exchange.respond(ToResponse(
                      Problem{400, "invalid_request", "the Idempotency-Key should have 1 to 200 letters"}));
                }
                const WebRequest& request = exchange.request;
                const std::string key = exchange.client.name + "\n" + *given;
                const uint64_t hash = Fnv1a(request.body, Fnv1a(request.path, Fnv1a(request.method)));
                if (auto before = keys_.Find(key, hash)) return exchange.respond(*std::move(before));
                exchange.respond = [this, key, respond = std::move(exchange.respond)](WebResponse response) {
                  // What was refused for now may be tried again under the same key.
                  const bool settled = response.status < 500 && response.status != 429;
                  settled ? keys_.Remember(key, response) : keys_.Forget(key);
                  respond(std::move(response));
                };
                (this->*handler)(std::move(exchange));
              }});
}

void RestApi::AddTo(Router& router) {
  Add(router, "GET", "/v1/workflows", &RestApi::Workflows);
  AddOnce(router, "POST", "/v1/sessions", &RestApi::Begin);
  Add(router, "GET", "/v1/sessions", &RestApi::List);
  Add(router, "GET", "/v1/sessions/{id}", &RestApi::Get);
  Add(router, "DELETE", "/v1/sessions/{id}", &RestApi::Delete);
  AddOnce(router, "POST", "/v1/sessions/{id}/turns", &RestApi::Say);
  AddOnce(router, "POST", "/v1/sessions/{id}/hand-off", &RestApi::HandOver);
  Add(router, "GET", "/v1/sessions/{id}/events", &RestApi::Events);
  Add(router, "PUT", "/v1/calls/{id}", &RestApi::AnnounceCall);
  Add(router, "GET", "/v1/calls/{id}", &RestApi::GetCall);
}

void RestApi::Workflows(Exchange exchange) {
  Json list = Json::array();
  for (const ServedWorkflowPtr& served : workflows_.All()) {
    const Workflow& workflow = served->deployment->workflow();
    Json titles = Json::array();
    for (const ToolDef& tool : workflow.tools) {
      if (tool.role == ToolRole::kTask) titles.push_back(tool.title);
    }
    list.push_back({{"name", served->name},
                    {"assistant", workflow.assistant.name},
                    {"version", served->deployment->version()},
                    {"voice", served->speaks()},
                    {"can", std::move(titles)},
                    {"say", ExampleSentences(workflow)}});
  }
  exchange.respond(ToResponse(Json{{"workflows", std::move(list)}}));
}

void RestApi::Begin(Exchange exchange) {
  const auto body = BodyOf(exchange.request);
  if (!body) return Refuse(exchange, body.error());
  JsonFields fields(*body);
  std::string name;
  std::string id;
  fields.Text("workflow", &name, 200);
  fields.Text("session", &id, 200);
  Caller caller;
  const Json* given = fields.Object("caller");
  if (given != nullptr) {
    auto read = ReadCaller(*given, "caller.");
    if (!read) return Refuse(exchange, read.error());
    caller = *std::move(read);
  }
  if (const auto done = fields.Done(); !done) return Refuse(exchange, done.error());
  if (given != nullptr && !exchange.client.Can(scope::kVouch)) {
    return exchange.respond(ToResponse(Problem{403, "forbidden", "this key may not say who is calling"}));
  }
  ServedWorkflowPtr workflow = workflows_.Find(name);
  if (workflow == nullptr) {
    return exchange.respond(ToResponse(UnknownWorkflow()));
  }
  if (given == nullptr) caller = workflow->caller;
  caller.channel = "text";
  // A session that was begun with one key is nobody's with another.
  if (caller.address.empty()) caller.address = exchange.client.name;
  auto held = access_.Hold(exchange.client);
  if (!held) return exchange.respond(ToResponse(held.error()));
  sessions_.Begin(
      std::move(workflow), exchange.client.name, *std::move(held), std::move(caller), std::move(id),
      [respond = exchange.respond](TextSessions::Answer answer) {
        if (!answer) return respond(ToResponse(answer.error()));
        WebResponse response = ToResponse(*answer, 201);
        response.headers.emplace_back("Location", "/v1/sessions/" + answer->at("id").get<std::string>());
        respond(std::move(response));
      },
      std::move(exchange.trace));
}

void RestApi::List(Exchange exchange) { ToRespond(exchange.respond)(sessions_.List(exchange.client.name)); }

void RestApi::Get(Exchange exchange) {
  ToRespond(exchange.respond)(sessions_.Get(exchange.steps[0], exchange.client.name));
}

void RestApi::Delete(Exchange exchange) {
  const auto ended = sessions_.End(exchange.steps[0], exchange.client.name);
  if (!ended) return exchange.respond(ToResponse(ended.error()));
  WebResponse response;
  response.status = 204;
  response.type.clear();
  exchange.respond(std::move(response));
}

void RestApi::Say(Exchange exchange) {
  const auto body = BodyOf(exchange.request);
  if (!body) return Refuse(exchange, body.error());
  JsonFields fields(*body);
  std::string text;
  bool silence = false;
  const bool said = fields.Text("text", &text, kTurnBytes);
  fields.Bool("silence", &silence);
  fields.Require("text", said || silence);
  if (said && silence) fields.Wrong("silence", "absent where there is a text");
  if (said && text.find_first_not_of(" \t\r\n") == std::string::npos) {
    fields.Wrong("text", R"(what was said; {"silence": true} says that nothing was)");
  }
  if (const auto done = fields.Done(); !done) return Refuse(exchange, done.error());
  sessions_.Say(exchange.steps[0], exchange.client.name, std::move(text), ToRespond(exchange.respond),
                std::move(exchange.trace));
}

void RestApi::HandOver(Exchange exchange) {
  std::string reason = "asked";
  if (!exchange.request.body.empty()) {
    const auto body = BodyOf(exchange.request);
    if (!body) return Refuse(exchange, body.error());
    JsonFields fields(*body);
    fields.Text("reason", &reason, 200);
    if (const auto done = fields.Done(); !done) return Refuse(exchange, done.error());
  }
  sessions_.HandOver(exchange.steps[0], exchange.client.name, std::move(reason), ToRespond(exchange.respond));
}

void RestApi::Events(Exchange exchange) {
  uint64_t last = 0;
  if (const std::string* given = exchange.request.Header("last-event-id")) {
    const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), last);
    if (error != std::errc() || end != given->data() + given->size()) {
      return exchange.respond(
          ToResponse(Problem{400, "invalid_request", "Last-Event-ID should be the number of an event"}));
    }
  }
  const std::string& id = exchange.steps[0];
  if (const auto found = sessions_.Get(id, exchange.client.name); !found)
    return exchange.respond(ToResponse(found.error()));
  WebResponse response;
  response.type = "text/event-stream";
  response.comment = ":\n\n";
  response.stream = [this, id, owner = exchange.client.name, last](std::shared_ptr<StreamWriter> writer) {
    if (!sessions_.Follow(id, owner, last, writer)) writer->End();
  };
  exchange.respond(std::move(response));
}

void RestApi::AnnounceCall(Exchange exchange) {
  const auto body = BodyOf(exchange.request);
  if (!body) return Refuse(exchange, body.error());
  JsonFields fields(*body);
  CallLog::Announced announced;
  announced.owner = exchange.client.name;
  fields.Text("workflow", &announced.workflow, 200);
  if (const Json* given = fields.Object("caller")) {
    auto read = ReadCaller(*given, "caller.");
    if (!read) return Refuse(exchange, read.error());
    announced.caller = *std::move(read);
    announced.has_caller = true;
  }
  if (const auto done = fields.Done(); !done) return Refuse(exchange, done.error());
  if (announced.has_caller && !exchange.client.Can(scope::kVouch)) {
    return exchange.respond(ToResponse(Problem{403, "forbidden", "this key may not say who is calling"}));
  }
  if (!announced.workflow.empty() && workflows_.Find(announced.workflow) == nullptr)
    return exchange.respond(ToResponse(UnknownWorkflow()));
  const std::string& id = exchange.steps[0];
  if (id.size() > 200)
    return exchange.respond(ToResponse(Problem{400, "invalid_request", "an id has at most 200 letters"}));
  if (!calls_.Announce(id, std::move(announced)))
    return exchange.respond(ToResponse(Problem{409, "call_began", "that call has begun already"}));
  GetCall(std::move(exchange));
}

void RestApi::GetCall(Exchange exchange) {
  auto call = calls_.Find(exchange.steps[0], exchange.client.name);
  exchange.respond(call
                       ? ToResponse(*call)
                       : ToResponse(Problem{404, "unknown_call",
                                            "there is no such call, or it ended more than ten minutes ago"}));
}

}  // namespace sotto
