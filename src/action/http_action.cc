#include "action/http_action.h"

#include <curl/curl.h>

#include <cstdlib>
#include <memory>

#include "base/log.h"

namespace sotto {
namespace {

constexpr size_t kMaxAnswerBytes = 1 << 20;
constexpr long kDefaultTimeoutMs = 5000;

struct CloseCurl {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(char* text) const { curl_free(text); }
};

size_t Receive(char* data, size_t size, size_t count, void* target) {
  auto& answer = *static_cast<std::string*>(target);
  if (answer.size() + size * count > kMaxAnswerBytes) return 0;
  answer.append(data, size * count);
  return size * count;
}

// ${NAME} -> the environment's value; nothing where it is not set.
std::string Expand(std::string text) {
  for (size_t begin = text.find("${"); begin != std::string::npos; begin = text.find("${", begin)) {
    const size_t end = text.find('}', begin);
    if (end == std::string::npos) break;
    const char* value = std::getenv(text.substr(begin + 2, end - begin - 2).c_str());
    text.replace(begin, end - begin + 1, value == nullptr ? "" : value);
  }
  return text;
}

std::string QueryOf(CURL* handle, const Json& arguments) {
  std::string query;
  for (const auto& [name, value] : arguments.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    const std::unique_ptr<char, CloseCurl> escaped(
        curl_easy_escape(handle, text.c_str(), static_cast<int>(text.size())));
    query += (query.empty() ? "?" : "&") + name + "=" + escaped.get();
  }
  return query;
}

ToolResult ResultOf(long status, const std::string& answer, const Json& options) {
  Json data = Json::object();
  if (nlohmann::json::accept(answer)) data = Json::parse(answer);
  const Json failures = options.value("failures", Json::object());
  const auto listed = failures.find(std::to_string(status));
  if (listed != failures.end() && listed->is_string()) {
    return Failure(listed->get<std::string>(), data.is_object() ? data : Json::object());
  }
  if (status == 429 || status == 502 || status == 503) return Failure("unavailable");
  if (status == 504) return Failure("timeout");
  if (status < 200 || status >= 300) return Failure("failed", Json{{"status", status}});
  if (!answer.empty() && (!nlohmann::json::accept(answer) || !data.is_object())) return Failure("bad_answer");
  return {true, "", std::move(data)};
}

}  // namespace

ToolResult RunHttpAction(const ActionRequest& request) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, CloseCurl> handle(curl_easy_init());
  if (initialised != CURLE_OK || handle == nullptr) return Failure("failed");
  std::string url = Expand(request.options.value("url", ""));
  if (url.empty())
    return FailureOf({ErrorCode::kInvalidArgument, "tool " + request.tool + ": action.url is missing"});
  const std::string method = request.options.value("method", "POST");
  if (method == "GET") url += QueryOf(handle.get(), request.arguments);
  const std::string body = request.arguments.dump();
  std::unique_ptr<curl_slist, CloseCurl> headers;
  const auto add_header = [&](const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  };
  add_header("Content-Type: application/json");
  if (!request.idempotency_key.empty()) add_header("Idempotency-Key: " + request.idempotency_key);
  const Json extra = request.options.value("headers", Json::object());
  for (const auto& [name, value] : extra.items()) {
    if (value.is_string()) add_header(name + ": " + Expand(value.get<std::string>()));
  }
  std::string answer;
  curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  if (method != "GET") curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, Receive);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, request.options.value("timeout_ms", kDefaultTimeoutMs));
  const CURLcode code = curl_easy_perform(handle.get());
  if (code != CURLE_OK) {
    Log().error("tool {}: {}: {}", request.tool, url, curl_easy_strerror(code));
    if (code == CURLE_OPERATION_TIMEDOUT) return Failure("timeout");
    return Failure(code == CURLE_WRITE_ERROR ? "bad_answer" : "unavailable");
  }
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  return ResultOf(status, answer, request.options);
}

}  // namespace sotto
