// RMSNorm of one head and the rotary embedding behind it, forward and backward. Included once per instruction
// set (kernels.cc).
#pragma once

#include <type_traits>

#include "trainer/simd.h"

namespace sotto::SOTTO_ISA {
namespace {

// Calls work(std::integral_constant<int, D>) for the shape's head size.
template <typename Work>
void WithHeadDim(const AttentionShape& shape, Work&& work) {
  if (shape.head_dim == 32) return work(std::integral_constant<int, 32>{});
  if (shape.head_dim == 64) return work(std::integral_constant<int, 64>{});
  work(std::integral_constant<int, 128>{});
}

// One query or key head of one token: head norm, then rotary embedding. Returns 1 / rms.
template <int D, typename T, typename Out>
SOTTO_INLINE float NormRope(const T* in, const float* gain, const float* cosines, const float* sines,
                            float eps, Out* out) {
  constexpr int kHalf = D / 2;
  Vec squares{};
  for (int j = 0; j < D; j += kWidth) {
    const Vec v = Load(in + j);
    squares += v * v;
  }
  const float scale = 1.0f / std::sqrt(Sum(squares) / static_cast<float>(D) + eps);
  for (int j = 0; j < kHalf; j += kWidth) {
    const Vec a = Load(in + j) * scale * Load(gain + j);
    const Vec b = Load(in + kHalf + j) * scale * Load(gain + kHalf + j);
    const Vec c = Load(cosines + j);
    const Vec s = Load(sines + j);
    Store(out + j, a * c - b * s);
    Store(out + kHalf + j, b * c + a * s);
  }
  return scale;
}

template <int D, typename T>
SOTTO_INLINE void NormRopeBackward(const T* in, const float* gain, const float* cosines, const float* sines,
                                   float scale, const float* d_out, T* d_in, float* d_gain) {
  constexpr int kHalf = D / 2;
  float dy[D];
  for (int j = 0; j < kHalf; j += kWidth) {
    const Vec a = Load(d_out + j);
    const Vec b = Load(d_out + kHalf + j);
    const Vec c = Load(cosines + j);
    const Vec s = Load(sines + j);
    Store(dy + j, a * c + b * s);
    Store(dy + kHalf + j, b * c - a * s);
  }
  Vec dot{};
  for (int j = 0; j < D; j += kWidth) {
    const Vec hat = Load(in + j) * scale;
    const Vec g = Load(dy + j);
    Store(d_gain + j, Load(d_gain + j) + g * hat);
    dot += g * Load(gain + j) * hat;
  }
  const float mean = Sum(dot) / static_cast<float>(D);
  for (int j = 0; j < D; j += kWidth) {
    const Vec hat = Load(in + j) * scale;
    Store(d_in + j, (Load(dy + j) * Load(gain + j) - hat * mean) * scale);
  }
}

}  // namespace
}  // namespace sotto::SOTTO_ISA
