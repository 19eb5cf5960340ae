#include <curl/curl.h>

#include "learn/teacher.h"

namespace sotto {
namespace {

size_t Receive(char* data, size_t size, size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

class CurlChatModel : public ChatModel {
 public:
  explicit CurlChatModel(const ChatEndpoint& endpoint) : endpoint_(endpoint), handle_(curl_easy_init()) {
    if (!endpoint_.url.empty() && endpoint_.url.back() == '/') endpoint_.url.pop_back();
  }

  Result<std::string> Complete(const Json& messages, double temperature, uint64_t seed) override {
    const Json request = {{"model", endpoint_.model},
                          {"messages", messages},
                          {"temperature", temperature},
                          {"seed", seed % 1'000'000'007},
                          {"stream", false}};
    Result<std::string> answer = MakeError(ErrorCode::kUnavailable, "{}: no attempt", endpoint_.url);
    for (int attempt = 0; attempt <= endpoint_.retries; ++attempt) {
      answer = Post(request.dump());
      if (answer ||
          (answer.error().code != ErrorCode::kUnavailable && answer.error().code != ErrorCode::kTimeout))
        break;
    }
    return answer;
  }

 private:
  Result<std::string> Post(const std::string& body) {
    if (handle_ == nullptr) return MakeError(ErrorCode::kIo, "libcurl does not start");
    const std::string url = endpoint_.url + "/chat/completions";
    std::string reply;
    std::unique_ptr<curl_slist, CurlDeleter> headers(
        curl_slist_append(nullptr, "Content-Type: application/json"));
    if (!endpoint_.api_key.empty())
      headers.reset(
          curl_slist_append(headers.release(), ("Authorization: Bearer " + endpoint_.api_key).c_str()));
    CURL* curl = handle_.get();
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, endpoint_.timeout_s);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
    const CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OPERATION_TIMEDOUT)
      return MakeError(ErrorCode::kTimeout, "{}: no answer within {} s", url, endpoint_.timeout_s);
    if (code != CURLE_OK) return MakeError(ErrorCode::kUnavailable, "{}: {}", url, curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
      return MakeError(status == 429 || status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kIo,
                       "{}: HTTP {}: {}", url, status, reply.substr(0, 200));
    return Content(reply, url);
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
  std::unique_ptr<CURL, CurlDeleter> handle_;
};

}  // namespace

std::unique_ptr<ChatModel> ConnectChatModel(const ChatEndpoint& endpoint) {
  return std::make_unique<CurlChatModel>(endpoint);
}

}  // namespace sotto
