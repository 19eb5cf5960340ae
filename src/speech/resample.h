// Sample rate conversion (libsoxr).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "core/audio.h"

namespace sotto {

// The whole recording at another rate, 1 to 384 kHz.
Result<Audio> Resample(const Audio& audio, int rate_hz);

// The same for a stream. One thread.
class Resampler {
 public:
  // For what is not waited for: what goes in comes out in blocks, of up to 120 ms.
  static Result<std::unique_ptr<Resampler>> Create(int from_hz, int to_hz);
  // For people who talk: as many samples come out as belong to what went in, some 15 ms later; what is above
  // the lower rate's half is 55 dB down.
  static Result<std::unique_ptr<Resampler>> CreateLive(int from_hz, int to_hz);
  ~Resampler();
  Resampler(const Resampler&) = delete;
  Resampler& operator=(const Resampler&) = delete;

  // Appends what is ready to `out`.
  void Process(std::span<const float> in, std::vector<float>* out);
  // Appends the rest; afterwards only destruction.
  void Flush(std::vector<float>* out);

 private:
  Resampler() = default;
  static Result<std::unique_ptr<Resampler>> Make(int from_hz, int to_hz, bool live);
  void* soxr_ = nullptr;
  double ratio_ = 1;
  bool same_ = false;
};

}  // namespace sotto
