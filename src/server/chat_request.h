// What a program asks a language model for, in the OpenAI form (docs/formats/openai.md), read and checked. Pure.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "core/tool.h"
#include "server/openai_answer.h"
#include "slm/chat_template.h"
#include "slm/sampler.h"

namespace sotto {

struct ChatRequest {
  std::string model;
  std::string prompt;                 // of a plain completion; empty: a chat
  ChatSetup setup;                    // system text and tools
  std::vector<ChatMessage> messages;  // not empty in a chat; the last is not the assistant's
  enum class Call { kNever, kMay, kMust };
  Call call = Call::kMay;      // one of setup.tools
  std::optional<Json> schema;  // that the answer has to fit
  SamplerOptions sampler;
  int max_tokens = 0;
  std::vector<std::string> stop;
  int logprobs = -1;
  bool stream = false;
  bool usage = false;  // at the end of a stream
};

tl::expected<ChatRequest, OpenAiRefusal> ReadChatRequest(const Json& body);
// The older form: one text to go on with.
tl::expected<ChatRequest, OpenAiRefusal> ReadTextRequest(const Json& body);

}  // namespace sotto
