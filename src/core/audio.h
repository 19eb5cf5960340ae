// Audio inside Sotto: mono float samples in [-1, 1], 16 kHz unless a rate is named, in frames of 10 ms.
#pragma once

#include <cstddef>
#include <vector>

namespace sotto {

inline constexpr int kSampleRateHz = 16000;
inline constexpr size_t kFrameSamples = 160;  // 10 ms

struct Audio {
  std::vector<float> samples;
  int rate_hz = kSampleRateHz;

  double seconds() const { return static_cast<double>(samples.size()) / rate_hz; }
};

}  // namespace sotto
