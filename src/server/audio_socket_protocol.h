// Asterisk's AudioSocket as bytes: messages of one byte kind, two bytes length (big endian) and as many bytes
// of payload. Source: Asterisk's documentation, Channel Drivers, AudioSocket; the kinds above 0x10 are
// res_audiosocket's since Asterisk 22. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sotto {

struct AudioSocketMessage {
  enum class Kind : uint8_t {
    kHangUp = 0x00,
    kId = 0x01,     // 16 bytes: the call's UUID, first
    kKey = 0x03,    // one DTMF digit
    kAudio = 0x10,  // 16-bit little-endian mono; 8 kHz, and up to 0x18 other rates
    kError = 0xff,
  };
  Kind kind = Kind::kHangUp;
  std::string payload;
  int rate_hz = 0;  // kAudio
};

// Cuts a stream into messages. A value; one thread.
class AudioSocketReader {
 public:
  void Feed(std::string_view bytes) { waiting_ += bytes; }
  // The next whole message; none: more bytes are needed. kCorrupt, from then on: this is no AudioSocket.
  Result<std::optional<AudioSocketMessage>> Next();

 private:
  std::string waiting_;
  size_t read_ = 0;
};

// REQUIRES: at most 65535 bytes; of kAudio a rate that there is (8000, 16000, 24000, 48000).
std::string AudioSocketBytes(AudioSocketMessage::Kind kind, std::string_view payload, int rate_hz = 8000);

}  // namespace sotto
