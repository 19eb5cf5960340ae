// Twilio's media streams as messages: JSON texts with base64 audio (mu-law, 8 kHz, mono), one call a WebSocket.
// Source: Twilio's documentation, "Media Streams - WebSocket Messages". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"

namespace sotto {

namespace media_message {

struct Connected {};
struct Start {
  std::string stream;  // "MZ..."
  std::string call;    // "CA..."
  std::string token;   // the custom parameter of that name
};
struct Media {
  std::string audio;    // mu-law
  bool inbound = true;  // what the caller says
};
struct Key {
  char key = '0';
};
// What was sent before this mark has been played.
struct Mark {
  std::string name;
};
struct Stop {};
// Kinds that later versions add.
struct Other {};

}  // namespace media_message

using MediaMessage =
    std::variant<media_message::Connected, media_message::Start, media_message::Media, media_message::Key,
                 media_message::Mark, media_message::Stop, media_message::Other>;

// The error says what is wrong with the message. Fields that are not known are passed over: Twilio adds some.
Result<MediaMessage> ReadMediaMessage(std::string_view text);

// What is sent.
std::string MediaText(std::string_view stream, std::string_view mulaw);
std::string MarkText(std::string_view stream, std::string_view name);
std::string ClearText(std::string_view stream);  // forget what has not been played

}  // namespace sotto
