// What a line carries (telephone, WebSocket) to and from the samples of a session: PCM, G.711 or Opus at the
// line's rate on one side, mono floats at 16 kHz on the other. One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sotto {

struct LineFormat {
  enum class Codec { kPcm16, kMuLaw, kALaw, kOpus };
  Codec codec = Codec::kPcm16;
  int rate_hz = 16000;  // kOpus: 16000; the others 8000, 16000, 24000 or 48000

  bool operator==(const LineFormat&) const = default;
};
// "pcm16", "pcm16/8000", "mulaw/8000", "alaw/8000", "opus": the rate where it is not said is 16000, of G.711
// 8000. The error lists them.
Result<LineFormat> ParseLineFormat(std::string_view name);
std::string LineFormatName(const LineFormat& format);

class LineDecoder {
 public:
  // kInvalidArgument: a rate that the format has not.
  static Result<std::unique_ptr<LineDecoder>> Create(LineFormat format);
  ~LineDecoder();
  LineDecoder(const LineDecoder&) = delete;
  LineDecoder& operator=(const LineDecoder&) = delete;

  // Appends what `bytes` hold, of Opus one packet (none: a lost one). kCorrupt: half a sample, no Opus.
  Result<void> Decode(std::span<const uint8_t> bytes, std::vector<float>* samples);

 private:
  struct Parts;
  explicit LineDecoder(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

class LineEncoder {
 public:
  static Result<std::unique_ptr<LineEncoder>> Create(LineFormat format);
  ~LineEncoder();
  LineEncoder(const LineEncoder&) = delete;
  LineEncoder& operator=(const LineEncoder&) = delete;

  // 20 ms of the line: of Opus one packet; empty where resampling has not let it out yet.
  // REQUIRES: 320 samples.
  std::string Encode(std::span<const float> samples);

 private:
  struct Parts;
  explicit LineEncoder(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sotto
