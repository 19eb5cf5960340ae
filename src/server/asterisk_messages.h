// What Asterisk's chan_websocket says beside the sound, and what it is told: text messages, in plain text ("MEDIA_START
// connection_id:... format:ulaw ...") or, from Asterisk 22.8 and 23.2 on where the channel asks for it, in JSON. Source:
// Asterisk's documentation, Channel Drivers, WebSocket. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "assistant/line_audio.h"
#include "base/error.h"

namespace sotto {

namespace asterisk_message {

// First.
struct MediaStart {
  std::string channel;     // "WebSocket/sotto/0x7f..."
  std::string channel_id;  // the channel's unique id; empty where an older Asterisk does not say it
  std::string connection_id;
  LineFormat format;
  size_t frame_bytes = 0;  // that make 20 ms; what is sent should be whole frames
};
struct Digit {
  char key = '0';
};
// The queue of what was sent is nearly full; there is room again.
struct Flow {
  bool on = true;
};
// All that was sent has been played.
struct QueueDrained {};
// Kinds that nothing follows from here, and those that later versions add.
struct Unused {};

}  // namespace asterisk_message

struct AsteriskMessage {
  std::variant<asterisk_message::MediaStart, asterisk_message::Digit, asterisk_message::Flow,
               asterisk_message::QueueDrained, asterisk_message::Unused>
      what;
  bool json = false;  // and so are the commands that go back
};

// The error says what is wrong with the message: no text of the kind, a codec that is not served.
Result<AsteriskMessage> ReadAsteriskMessage(std::string_view text);

enum class AsteriskCommand { kHangUp, kFlushMedia, kReportQueueDrained };
std::string AsteriskCommandText(AsteriskCommand command, bool json);

}  // namespace sotto
