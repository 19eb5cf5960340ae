// What a client says on a voice WebSocket, as JSON (docs/formats/websocket.md): read and checked. Pure
// functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "assistant/line_audio.h"
#include "core/caller.h"
#include "core/json.h"

namespace sotto {

namespace voice_message {

// First: a new call, or a stored conversation that is continued.
struct Start {
  std::string workflow;  // empty: the first that is served
  std::string token;     // empty: the request had one, or needs none
  std::string session;   // of the stored conversation; empty: a new one
  LineFormat input;
  LineFormat output;
  bool echo_cancellation = true;
  Caller caller;  // what the client knows; needs the right to say so
  bool has_caller = false;
};
// First: the connection of a call was lost, this is the next.
struct Resume {
  std::string session;
  std::string secret;
  uint64_t after = 0;  // the last event that was seen
};
struct Key {
  char key = '0';
};
// The recording is silent from now on, or not any more.
struct Record {
  bool paused = false;
};
struct End {};

}  // namespace voice_message

using VoiceMessage = std::variant<voice_message::Start, voice_message::Resume, voice_message::Key,
                                  voice_message::Record, voice_message::End>;

// The error is for the client: what is wrong and what would be right.
Result<VoiceMessage> ReadVoiceMessage(std::string_view text);

// {"customer"?, "address"?} of a request; the channel is the server's to say.
Result<Caller> ReadCaller(const Json& json, std::string_view where);

}  // namespace sotto
