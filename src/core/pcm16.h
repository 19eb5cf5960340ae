// 16-bit linear PCM, which libraries, files and networks speak, to and from Sotto's float samples (core/audio.h).
// Asymmetric as is usual: 32767 is written for 1, -32768 read as -1. Bytes are little endian, mono.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sotto {

// What is beyond [-1, 1] is clipped; what is no number is silence.
inline int16_t ToPcm16(float sample) {
  if (std::isnan(sample)) return 0;
  return static_cast<int16_t>(std::lrint(std::clamp(sample, -1.0f, 1.0f) * 32767.0f));
}
// Any integer of 16 bits.
inline float FromPcm16(int value) { return static_cast<float>(value) / 32768.0f; }

inline std::vector<float> FromPcm16(std::span<const int16_t> values) {
  std::vector<float> samples(values.size());
  std::transform(values.begin(), values.end(), samples.begin(),
                 [](int16_t value) { return FromPcm16(value); });
  return samples;
}

inline std::string ToPcm16Bytes(std::span<const float> samples) {
  std::string bytes(samples.size() * 2, '\0');
  for (size_t i = 0; i < samples.size(); ++i) {
    const int value = ToPcm16(samples[i]);
    bytes[2 * i] = static_cast<char>(value & 0xff);
    bytes[2 * i + 1] = static_cast<char>((value >> 8) & 0xff);
  }
  return bytes;
}
// An odd byte at the end is left out.
inline std::vector<float> FromPcm16Bytes(std::string_view bytes) {
  std::vector<float> samples(bytes.size() / 2);
  for (size_t i = 0; i < samples.size(); ++i) {
    const int low = static_cast<unsigned char>(bytes[2 * i]);
    samples[i] = FromPcm16(static_cast<signed char>(bytes[2 * i + 1]) * 256 + low);
  }
  return samples;
}

}  // namespace sotto
