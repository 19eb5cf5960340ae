// The frames that pipecat's client sends and is sent over a WebSocket: protobuf messages of pipecat's
// frames.proto (docs/formats/rtvi.md lists their fields), read and written with the protobuf library's own reader of
// the wire format. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"

namespace sotto {

// Sound: 16-bit little-endian samples.
struct RtviAudio {
  std::string pcm;
  uint32_t rate_hz = 0;
  uint32_t channels = 0;
};
// A message of RTVI, as JSON text.
struct RtviMessageText {
  std::string json;
};
// A frame that nothing is made of here: text, transcription.
struct RtviOtherFrame {
  std::string kind;
};
using RtviFrame = std::variant<RtviAudio, RtviMessageText, RtviOtherFrame>;

// Fields that are not known are passed over; of several kinds in one frame the last counts. kCorrupt: no protobuf, or
// no kind that is known.
Result<RtviFrame> ReadRtviFrame(std::string_view bytes);

std::string RtviAudioFrame(std::string_view pcm, uint32_t rate_hz);
std::string RtviMessageFrame(std::string_view json);

}  // namespace sotto
