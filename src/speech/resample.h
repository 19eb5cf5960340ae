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

// The same for a stream; what goes in comes out some milliseconds later. One thread.
class Resampler {
 public:
  static Result<std::unique_ptr<Resampler>> Create(int from_hz, int to_hz);
  ~Resampler();
  Resampler(const Resampler&) = delete;
  Resampler& operator=(const Resampler&) = delete;

  // Appends what is ready to `out`.
  void Process(std::span<const float> in, std::vector<float>* out);
  // Appends the rest; afterwards only destruction.
  void Flush(std::vector<float>* out);

 private:
  Resampler() = default;
  void* soxr_ = nullptr;
  double ratio_ = 1;
  bool same_ = false;
};

}  // namespace sotto
