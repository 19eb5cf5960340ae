#include "server/audio_socket_protocol.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace sotto {
namespace {

constexpr size_t kHeadBytes = 3;
constexpr uint8_t kFirstAudio = 0x10;
constexpr std::array<int, 9> kAudioRates{8000, 12000, 16000, 24000, 32000, 44100, 48000, 96000, 192000};

}  // namespace

Result<std::optional<AudioSocketMessage>> AudioSocketReader::Next() {
  if (waiting_.size() - read_ < kHeadBytes) return std::nullopt;
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(waiting_[read_ + at]); };
  const uint8_t kind = byte(0);
  const size_t size = static_cast<size_t>(byte(1)) << 8 | byte(2);
  AudioSocketMessage message;
  const bool audio = kind >= kFirstAudio && kind < kFirstAudio + kAudioRates.size();
  message.kind = audio ? AudioSocketMessage::Kind::kAudio : static_cast<AudioSocketMessage::Kind>(kind);
  if (audio) message.rate_hz = kAudioRates[kind - kFirstAudio];
  bool fits = true;
  switch (message.kind) {
    case AudioSocketMessage::Kind::kHangUp:
    case AudioSocketMessage::Kind::kError:
      break;
    case AudioSocketMessage::Kind::kId:
      fits = size == 16;
      break;
    case AudioSocketMessage::Kind::kKey:
      fits = size == 1;
      break;
    case AudioSocketMessage::Kind::kAudio:
      fits = size % 2 == 0;
      break;
    default:
      return MakeError(ErrorCode::kCorrupt, "AudioSocket has no messages of kind 0x{:02x}", kind);
  }
  if (!fits) {
    return MakeError(ErrorCode::kCorrupt, "an AudioSocket message of kind 0x{:02x} has not {} bytes", kind,
                     size);
  }
  if (waiting_.size() - read_ < kHeadBytes + size) return std::nullopt;
  message.payload = waiting_.substr(read_ + kHeadBytes, size);
  read_ += kHeadBytes + size;
  if (read_ == waiting_.size() || read_ > (size_t{1} << 16)) {
    waiting_.erase(0, read_);
    read_ = 0;
  }
  return message;
}

std::string AudioSocketBytes(AudioSocketMessage::Kind kind, std::string_view payload, int rate_hz) {
  SOTTO_CHECK(payload.size() <= 0xffff);
  auto code = static_cast<uint8_t>(kind);
  if (kind == AudioSocketMessage::Kind::kAudio) {
    const auto rate = std::find(kAudioRates.begin(), kAudioRates.end(), rate_hz);
    SOTTO_CHECK(rate != kAudioRates.end(), "no AudioSocket has {} Hz", rate_hz);
    code = static_cast<uint8_t>(kFirstAudio + (rate - kAudioRates.begin()));
  }
  std::string bytes{static_cast<char>(code), static_cast<char>(payload.size() >> 8),
                    static_cast<char>(payload.size() & 0xff)};
  return bytes.append(payload);
}

}  // namespace sotto
