#include "server/openai_answer.h"

#include <chrono>

#include "server/problem.h"
#include "server/rest_api.h"

namespace sotto {

WebResponse ToOpenAi(const OpenAiRefusal& refusal) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  const char* type = refusal.status >= 500 ? "server_error" : "invalid_request_error";
  return ToResponse(Json{{"error",
                          {{"message", refusal.message},
                           {"type", type},
                           {"param", or_null(refusal.param)},
                           {"code", or_null(refusal.code)}}}},
                    refusal.status);
}

WebResponse ToOpenAi(const Error& error) {
  const Problem problem = ToProblem(error);
  return ToOpenAi(OpenAiRefusal{problem.status, problem.detail});
}

int64_t UnixTime() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string OpenAiEvent(const Json& chunk) {
  return "data: " + chunk.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n";
}

}  // namespace sotto
