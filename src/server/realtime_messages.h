// The Realtime interface of OpenAI (generally available form, 2025; session.type "realtime") as messages: what a
// client sends, read and checked, and the events that it is told. docs/formats/realtime.md says which are served.
// Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "assistant/line_audio.h"
#include "core/json.h"

namespace sotto {

namespace realtime_message {

// session.update: what of it is changed here. Everything else of a session is the workflow's, or, where a language
// model answers, in `session` (server/realtime_items.h).
struct Update {
  std::optional<LineFormat> input;
  std::optional<LineFormat> output;
  std::optional<bool> server_turns;  // false: turn_detection null, the client commits
  std::optional<bool> speaks;        // output_modalities has "audio"
  Json session = Json::object();     // as it was sent
};
struct Append {
  std::string audio;  // bytes of the input format
};
struct Commit {};
struct Clear {};
// conversation.item.create
struct NewItem {
  Json item;  // with a `type` that is text
};
struct Delete {
  std::string item;
};
struct Truncate {
  std::string item;
  int64_t audio_end_ms = 0;
};
struct Retrieve {
  std::string item;
};
// response.create
struct Create {
  Json response = Json::object();  // as it was sent
};
struct Cancel {};  // response.cancel

}  // namespace realtime_message

using RealtimeMessage =
    std::variant<realtime_message::Update, realtime_message::Append, realtime_message::Commit,
                 realtime_message::Clear, realtime_message::NewItem, realtime_message::Delete,
                 realtime_message::Truncate, realtime_message::Retrieve, realtime_message::Create,
                 realtime_message::Cancel>;

// What a client's mistake is answered with: an error event.
struct RealtimeRefusal {
  std::string code;     // "invalid_value"
  std::string message;  // what is wrong, and what would be right
  std::string param;
  std::string event;  // the client's event_id
};

struct RealtimeRequest {
  std::string event;  // the client's event_id; empty: none
  RealtimeMessage message;
};
tl::expected<RealtimeRequest, RealtimeRefusal> ReadRealtimeMessage(std::string_view text);
// What an item has the user say to a workflow; none: a result of a tool, or a message of somebody else, of which a
// workflow makes nothing.
tl::expected<std::optional<std::string>, RealtimeRefusal> SaidByUser(const realtime_message::NewItem& item);

// A session as its events show it.
struct RealtimeSession {
  std::string id;
  std::string model;
  std::string voice;
  LineFormat input;
  LineFormat output;
  bool server_turns = true;
  bool speaks = true;
  // Where a language model answers.
  std::string instructions = {};
  Json tools = Json::array();  // as they were sent
  Json tool_choice = "auto";
  Json max_output_tokens = "inf";
  bool answers_turns = true;  // what is spoken is answered by itself
  bool interruptible = true;  // what is said, by who speaks
};
// "audio/pcm" at 24 kHz, "audio/pcmu", "audio/pcma".
Json RealtimeFormat(const LineFormat& format);
Json ToRealtime(const RealtimeSession& session);
Json ToRealtime(const RealtimeRefusal& refusal);  // an error event, without its event_id

// {"id", "object": "realtime.item", "type": "message", ...}
Json RealtimeUserItem(const std::string& id, std::string_view transcript, bool spoken);
Json RealtimeReplyItem(const std::string& id, std::string_view text, bool spoken, std::string_view status);

}  // namespace sotto
