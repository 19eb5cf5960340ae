// What an endpoint of the OpenAI form (POST /chat/completions) answers: as one body, or as a stream of chunks
// (text/event-stream). Foreign bytes: nothing in them is believed. A body that is an error although its status
// says otherwise, and a call cut off by a limit or in the middle, are errors here. Errors never quote what was
// answered.
//   kUnavailable   the server says that it cannot now (overloaded, rate limited): may work later
//   kIo            the stream ended in the middle
//   kCorrupt       not of that form
//   kOutOfRange    more than the limits
//   kUnsupported   a call that the server says it cut off, or an answer that it withheld
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sse.h"
#include "core/tool.h"

namespace sotto {

struct ChatAnswer {
  std::vector<ToolCall> calls;  // null arguments are left out
  std::string content;          // words; mostly empty where there are calls
  std::string finish;           // why it ended: "stop", "tool_calls", "length" (words only)
  int prompt_tokens = 0;        // 0: not told
  int completion_tokens = 0;
};

Result<ChatAnswer> ParseChatAnswer(std::string_view body);

// A value; one thread.
class ChatStream {
 public:
  // Bytes as they come. After an error nothing more is read.
  Result<void> Feed(std::string_view bytes);
  // The end of the connection.
  Result<ChatAnswer> End();

  // Everything that was asked for is there: the rest need not be waited for.
  bool done() const { return done_; }

 private:
  struct Call {
    std::string name;
    std::string arguments;
  };
  void Take(const SseEvent& event);
  void TakeDelta(const Json& delta);
  void Fail(ErrorCode code, std::string_view why);

  SseParser events_;
  std::vector<Call> calls_;  // by index
  std::string content_;
  std::string finish_;
  std::optional<Error> error_;
  size_t bytes_ = 0;
  int prompt_tokens_ = 0;
  int completion_tokens_ = 0;
  bool done_ = false;
};

}  // namespace sotto
