// What the OpenAI-compatible endpoints have in common: errors in that interface's own form, and times.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/json.h"
#include "core/understanding.h"
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

// A finished completion of a chat. Streamed: a piece for the words and one for each call.
struct ChatReply {
  std::string model;
  std::string content;         // empty: null
  Json calls = Json::array();  // as the interface has them, with ids
  std::string finish = "tool_calls";
  int prompt_tokens = 0;
  int completion_tokens = 0;
  HttpFields headers = {};
};
enum class ChatForm { kWhole, kStream, kStreamWithUsage };
WebResponse ToOpenAi(const ChatReply& reply, ChatForm form);

// {"id", "type": "function", "function": {"name", "arguments"}} under a new id.
Json OpenAiCall(const ToolCall& call);

// x-sotto-route (who answered), x-sotto-cache (hit, miss), x-sotto-cost (USD), x-sotto-confidence (0..1; left out
// where it is negative), of those who were asked.
HttpFields RouteHeaders(std::span<const RouteStep> route, bool kept, double confidence);

int64_t UnixTime();

// One server-sent event of a streamed answer.
std::string OpenAiEvent(const Json& chunk);
inline constexpr const char* kOpenAiStreamEnd = "data: [DONE]\n\n";

}  // namespace sotto
