// Media streams of telephone networks as messages: JSON texts with base64 audio (G.711 mu-law, 8 kHz, mono), one call a
// WebSocket. Three networks say the same in three ways. Sources: Twilio, "Media Streams - WebSocket Messages"; Telnyx,
// "Stream call media over WebSocket"; Plivo, "Stream Event Protocol". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"

namespace sotto {

enum class Carrier { kTwilio, kTelnyx, kPlivo };
std::string_view CarrierName(Carrier carrier);  // "twilio": in addresses and metrics

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

// The error says what is wrong with the message. Fields that are not known are passed over: networks add some.
Result<MediaMessage> ReadMediaMessage(std::string_view text, Carrier carrier = Carrier::kTwilio);

// What is sent.
std::string MediaText(std::string_view stream, std::string_view mulaw, Carrier carrier = Carrier::kTwilio);
std::string MarkText(std::string_view stream, std::string_view name, Carrier carrier = Carrier::kTwilio);
// Forget what has not been played.
std::string ClearText(std::string_view stream, Carrier carrier = Carrier::kTwilio);

// Plivo's extra headers, "token=ab;user=1" or {"X-PH-token": "ab"}: the value of `name`; empty: there is none.
std::string ExtraHeader(std::string_view headers, std::string_view name);

}  // namespace sotto
