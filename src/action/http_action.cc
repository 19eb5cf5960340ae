#include "action/http_action.h"

#include "action/caller_fields.h"
#include "action/environment.h"
#include "base/log.h"

namespace sotto {
namespace {

constexpr std::chrono::milliseconds kDefaultTimeout{5000};

std::string TextOption(const Json& options, const char* key, std::string fallback) {
  const auto value = options.find(key);
  return value != options.end() && value->is_string() ? value->get<std::string>() : std::move(fallback);
}

std::string QueryOf(const Json& arguments, bool first) {
  std::string query;
  for (const auto& [name, value] : arguments.items()) {
    query += first ? '?' : '&';
    first = false;
    query += UrlEscape(name) + '=' + UrlEscape(value.is_string() ? value.get<std::string>() : value.dump());
  }
  return query;
}

Result<HttpRequest> RequestOf(const ActionRequest& action, std::stop_token stop) {
  const Json& options = action.options;
  HttpRequest request;
  request.method = TextOption(options, "method", "POST");
  SOTTO_ASSIGN_OR_RETURN(request.url, ExpandEnvironment(TextOption(options, "url", "")));
  if (request.url.empty()) return MakeError(ErrorCode::kInvalidArgument, "action.url is missing");
  if (request.method == "GET") {
    request.url += QueryOf(action.arguments, request.url.find('?') == std::string::npos);
  } else {
    request.body = action.arguments.dump(-1, ' ', false, Json::error_handler_t::replace);
    request.headers.emplace_back("Content-Type", "application/json");
  }
  if (!action.idempotency_key.empty())
    request.headers.emplace_back("Idempotency-Key", action.idempotency_key);
  for (auto& header : CallerHeaders(action.caller)) request.headers.push_back(std::move(header));
  if (const auto headers = options.find("headers"); headers != options.end() && headers->is_object()) {
    for (const auto& [name, value] : headers->items()) {
      if (!value.is_string())
        return MakeError(ErrorCode::kInvalidArgument, "action.headers.{} is not a text", name);
      SOTTO_ASSIGN_OR_RETURN(std::string expanded, ExpandEnvironment(value.get<std::string>()));
      request.headers.emplace_back(name, std::move(expanded));
    }
  }
  const auto timeout = options.find("timeout_ms");
  const bool own = timeout != options.end() && timeout->is_number_integer();
  request.connect = request.timeout =
      own ? std::chrono::milliseconds(timeout->get<int64_t>()) : kDefaultTimeout;
  request.stop = std::move(stop);
  return request;
}

ToolResult ResultOf(const HttpAnswer& answer, const ActionRequest& request) {
  auto data = ParseJson(answer.body, "answer");
  const bool object = data && data->is_object();
  const Json none = Json::object();
  const auto failures = request.options.find("failures");
  if (failures != request.options.end() && failures->is_object()) {
    const auto listed = failures->find(std::to_string(answer.status));
    if (listed != failures->end() && listed->is_string())
      return Failure(listed->get<std::string>(), object ? *data : none);
  }
  if (answer.status == 429 || answer.status == 502 || answer.status == 503) return Failure("unavailable");
  if (answer.status == 504) return Failure("timeout");
  if (!answer.ok()) {
    Log().error("tool {}: HTTP {}{}", request.tool, answer.status,
                answer.status / 100 == 3 ? "; redirects are not followed, write the new address" : "");
    return Failure("failed", Json{{"status", answer.status}});
  }
  if (answer.body.empty()) return {true, "", none};
  return object ? ToolResult{true, "", *std::move(data)} : Failure("bad_answer");
}

ToolResult ResultOf(const Error& error, const ActionRequest& request) {
  Log().error("tool {}: {}", request.tool, error.message);
  switch (error.code) {
    case ErrorCode::kTimeout:
      return Failure("timeout");
    case ErrorCode::kOutOfRange:
      return Failure("bad_answer");
    case ErrorCode::kCancelled:
      return Failure("cancelled");
    case ErrorCode::kInvalidArgument:
      return Failure("invalid_arguments");
    default:
      return Failure("unavailable");
  }
}

}  // namespace

RegisteredAction MakeHttpAction(HttpClient& http) {
  RegisteredAction action;
  action.run =
      AsyncAction([&http](const ActionRequest& request, std::stop_token stop, ActionRunner::Done done) {
        auto sent = RequestOf(request, std::move(stop));
        if (!sent) return done(ResultOf(sent.error(), request));
        http.Start(*std::move(sent), nullptr,
                   [request, done = std::move(done)](const Result<HttpAnswer>& answer) {
                     done(answer ? ResultOf(*answer, request) : ResultOf(answer.error(), request));
                   });
      });
  action.backend = [](const ActionRequest& request) {
    const auto url = ExpandEnvironment(TextOption(request.options, "url", ""));
    const std::string origin = url ? HttpOrigin(*url) : std::string();
    const size_t host = origin.find("://");
    return "http:" + (host == std::string::npos ? std::string() : origin.substr(host + 3));
  };
  action.concurrency = 8;
  action.options = {"method", "url", "headers", "failures"};
  return action;
}

}  // namespace sotto
