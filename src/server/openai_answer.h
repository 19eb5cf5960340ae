// What the OpenAI-compatible endpoints have in common: errors in that interface's own form, and times.
#pragma once

#include <cstdint>
#include <string>

#include "core/json.h"
#include "server/http.h"

namespace sotto {

struct OpenAiRefusal {
  int status = 400;
  std::string message;
  std::string param = {};  // the field that is wrong
  std::string code = {};
};

// {"error": {"message", "type", "param", "code"}}
WebResponse ToOpenAi(const OpenAiRefusal& refusal);
WebResponse ToOpenAi(const Error& error);

int64_t UnixTime();

// One server-sent event of a streamed answer.
std::string OpenAiEvent(const Json& chunk);
inline constexpr const char* kOpenAiStreamEnd = "data: [DONE]\n\n";

}  // namespace sotto
