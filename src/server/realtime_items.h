// What a conversation with a language model is made of, as the Realtime interface has it: items, and what a client
// sets of a session or of one response; and both as a request to the model. Pure functions; any thread.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "server/chat_request.h"
#include "server/realtime_messages.h"

namespace sotto {

struct RealtimeItem {
  enum class Kind { kMessage, kCall, kOutput };
  enum class Role { kUser, kAssistant, kSystem };
  Kind kind = Kind::kMessage;
  std::string id = {};
  std::string status = "completed";  // in_progress, completed, incomplete
  Role role = Role::kUser;           // kMessage
  std::string text = {};  // what was said or written; kCall: the arguments; kOutput: what came back
  bool spoken = false;    // kMessage
  std::string call = {};  // kCall, kOutput: the call's id
  std::string name = {};  // kCall
};
// conversation.item.create. An id is made where the client gave none. Refused: parts that are no text, images.
tl::expected<RealtimeItem, RealtimeRefusal> ReadRealtimeItem(const Json& item);
Json ToRealtime(const RealtimeItem& item);
std::string NewRealtimeId(std::string_view kind);  // "item_..."

// What answers are made with.
struct RealtimeSettings {
  std::string instructions = {};
  std::vector<ToolSpec> tools = {};
  Json tools_json = Json::array();  // as they were sent
  Json tool_choice = "auto";
  int max_tokens = 0;      // 0: no limit
  double temperature = 0;  // 0: the likeliest words
  bool speaks = true;
  bool answers_turns = true;
  bool interruptible = true;
};
// Of `session` of session.update or `response` of response.create: what is not there stays. `where`: "session",
// "response", for messages. Nothing is changed where something is refused.
tl::expected<void, RealtimeRefusal> ReadRealtimeSettings(const Json& json, const std::string& where,
                                                         RealtimeSettings* settings);

// The conversation so far, to be answered by the model of this name. Where nothing was said since the last answer, or
// at all, the model is asked with an empty message of the user's.
ChatRequest RealtimeChat(const std::string& model, const RealtimeSettings& settings,
                         const std::deque<RealtimeItem>& items);

// How much of `text` are whole sentences, with the blank after them: what can be said already.
size_t WholeSentences(std::string_view text);

}  // namespace sotto
