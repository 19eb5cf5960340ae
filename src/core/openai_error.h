// What servers with the OpenAI endpoints say when they refuse: {"error": {"message": ..., "type": ...,
// "code": ...}}.
#pragma once

#include <string>
#include <string_view>

namespace sotto {

// ": model_not_found", the error's code or type, to stand behind "HTTP 404"; empty where there is none. Never
// its message, which quotes keys and what was said.
std::string OpenAiErrorCode(std::string_view body);

}  // namespace sotto
