#include <chrono>

#include "base/http_client.h"
#include "core/openai_error.h"
#include "learn/teacher.h"

namespace sotto {
namespace {

constexpr size_t kMaxAnswerBytes = size_t{16} << 20;

class HttpChatModel : public ChatModel {
 public:
  HttpChatModel(const ChatEndpoint& endpoint, std::shared_ptr<HttpClient> http)
      : endpoint_(endpoint), http_(std::move(http)) {
    if (!endpoint_.url.empty() && endpoint_.url.back() == '/') endpoint_.url.pop_back();
  }

  Result<std::string> Complete(const Json& messages, double temperature, uint64_t seed) override {
    const Json request = {{"model", endpoint_.model},
                          {"messages", messages},
                          {"temperature", temperature},
                          {"seed", seed % 1'000'000'007},
                          {"stream", false}};
    Result<std::string> answer = MakeError(ErrorCode::kUnavailable, "{}: no attempt", origin());
    for (int attempt = 0; attempt <= endpoint_.retries; ++attempt) {
      answer = Post(request.dump());
      if (answer ||
          (answer.error().code != ErrorCode::kUnavailable && answer.error().code != ErrorCode::kTimeout))
        break;
    }
    return answer;
  }

 private:
  // Errors name the server alone.
  std::string origin() const { return HttpOrigin(endpoint_.url); }

  Result<std::string> Post(const std::string& body) {
    HttpRequest request{.method = "POST",
                        .url = endpoint_.url + "/chat/completions",
                        .headers = {{"Content-Type", "application/json"}},
                        .body = body,
                        .timeout = std::chrono::seconds(endpoint_.timeout_s),
                        .max_answer_bytes = kMaxAnswerBytes};
    if (!endpoint_.api_key.empty())
      request.headers.emplace_back("Authorization", "Bearer " + endpoint_.api_key);
    auto answer = http_->Send(std::move(request));
    if (!answer) {
      Error error = std::move(answer).error();
      if (error.code == ErrorCode::kIo) error.code = ErrorCode::kUnavailable;
      return tl::unexpected(std::move(error));
    }
    if (answer->status != 200) {
      return MakeError(
          answer->status == 429 || answer->status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kIo,
          "{}: HTTP {}{}", origin(), answer->status, OpenAiErrorCode(answer->body));
    }
    return Content(answer->body, origin());
  }

  static Result<std::string> Content(const std::string& reply, const std::string& url) {
    SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(reply, url));
    const auto choices = json.find("choices");
    if (choices == json.end() || !choices->is_array() || choices->empty())
      return MakeError(ErrorCode::kCorrupt, "{}: the answer has no choices", url);
    const Json& first = (*choices)[0];
    const Json message = first.is_object() && first.contains("message") ? first["message"] : Json::object();
    if (!message.is_object() || !message.contains("content") || !message["content"].is_string())
      return MakeError(ErrorCode::kCorrupt, "{}: the answer has no content", url);
    return message["content"].get<std::string>();
  }

  ChatEndpoint endpoint_;
  const std::shared_ptr<HttpClient> http_;
};

}  // namespace

std::unique_ptr<ChatModel> ConnectChatModel(const ChatEndpoint& endpoint, std::shared_ptr<HttpClient> http) {
  return std::make_unique<HttpChatModel>(endpoint, http != nullptr ? std::move(http) : MakeHttpClient());
}

}  // namespace sotto
