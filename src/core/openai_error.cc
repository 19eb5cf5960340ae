#include "core/openai_error.h"

#include <algorithm>
#include <cctype>

#include "core/json.h"

namespace sotto {

std::string OpenAiErrorCode(std::string_view body) {
  constexpr size_t kLongest = 40;
  const auto answer = ParseJson(body, "answer");
  if (!answer || !answer->is_object() || !answer->contains("error") || !(*answer)["error"].is_object())
    return "";
  const Json& error = (*answer)["error"];
  for (const char* key : {"code", "type"}) {
    if (!error.contains(key) || !error[key].is_string()) continue;
    std::string code = error[key].get<std::string>();
    const bool word =
        !code.empty() && code.size() <= kLongest && std::all_of(code.begin(), code.end(), [](char c) {
          return std::islower(static_cast<unsigned char>(c)) != 0 || c == '_';
        });
    if (word) return ": " + code;
  }
  return "";
}

}  // namespace sotto
