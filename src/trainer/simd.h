// Vectors of 16 floats for the trainer's kernels: the compiler's own, which it splits where the machine's are
// shorter, with intrinsics where those are worth it. Included once per instruction set (kernels.cc).
#pragma once

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "trainer/kernels.h"

namespace sotto::SOTTO_ISA {
namespace {

typedef float Vec __attribute__((vector_size(64)));
typedef int32_t IVec __attribute__((vector_size(64)));
typedef uint32_t UVec __attribute__((vector_size(64)));
typedef uint16_t HVec __attribute__((vector_size(32)));
constexpr int kWidth = 16;
#define SOTTO_INLINE inline __attribute__((always_inline))

SOTTO_INLINE Vec Load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
SOTTO_INLINE Vec Load(const Bf16* p) {
  HVec h;
  std::memcpy(&h, p, sizeof h);
  return reinterpret_cast<Vec>(__builtin_convertvector(h, UVec) << 16);
}
SOTTO_INLINE void Store(float* p, Vec v) { std::memcpy(p, &v, sizeof v); }
SOTTO_INLINE void Store(Bf16* p, Vec v) {
#ifdef __AVX512BF16__
  const auto h = _mm512_cvtneps_pbh(reinterpret_cast<__m512>(v));
#else
  UVec w = reinterpret_cast<UVec>(v);
  w += 0x7fffu + ((w >> 16) & 1u);
  const HVec h = __builtin_convertvector(w >> 16, HVec);
#endif
  std::memcpy(p, &h, sizeof h);
}
// Fetches the line of what will be read or written `distance` elements later: the processor's own prefetching
// stops at every page.
template <typename T>
SOTTO_INLINE void Ahead(const T* p, int distance) {
  __builtin_prefetch(p + distance);
}
template <typename T>
SOTTO_INLINE void AheadToWrite(T* p, int distance) {
  __builtin_prefetch(p + distance, 1);
}
SOTTO_INLINE Vec Splat(float x) { return Vec{} + x; }

SOTTO_INLINE float Sum(Vec v) {
#ifdef __AVX512F__
  return _mm512_reduce_add_ps(reinterpret_cast<__m512>(v));
#else
  float f[kWidth];
  std::memcpy(f, &v, sizeof f);
  for (int step = 8; step > 0; step /= 2) {
    for (int i = 0; i < step; ++i) f[i] += f[i + step];
  }
  return f[0];
#endif
}
SOTTO_INLINE Vec Max(Vec a, Vec b) { return a > b ? a : b; }
SOTTO_INLINE float MaxOf(Vec v) {
#ifdef __AVX512F__
  return _mm512_reduce_max_ps(reinterpret_cast<__m512>(v));
#else
  float best = v[0];
  for (int i = 1; i < kWidth; ++i) best = std::max(best, v[i]);
  return best;
#endif
}

// e^x within 2e-7 relative; 0 below -87.
SOTTO_INLINE Vec Exp(Vec x) {
#ifdef __AVX512F__
  const auto in = reinterpret_cast<__m512>(x);
  const __mmask16 counts = _mm512_cmp_ps_mask(in, _mm512_set1_ps(-87.3f), _CMP_GT_OQ);
  const __m512 whole = _mm512_maskz_roundscale_ps(counts, in * 1.44269504f, _MM_FROUND_TO_NEAREST_INT);
  const Vec n = reinterpret_cast<Vec>(whole);
#else
  const Vec low = Splat(-87.3f);
  const Vec high = Splat(88.0f);
  const IVec tiny = x < low;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const Vec magic = Splat(12582912.0f);
  const Vec shifted = x * 1.44269504f + magic;
  const Vec n = shifted - magic;
#endif
  const Vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vec p = Splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
#ifdef __AVX512F__
  return reinterpret_cast<Vec>(_mm512_maskz_scalef_ps(counts, reinterpret_cast<__m512>(p), whole));
#else
  const IVec exponent = (reinterpret_cast<IVec>(shifted) - 0x4B400000 + 127) << 23;
  const Vec result = p * reinterpret_cast<Vec>(exponent);
  return tiny ? Vec{} : result;
#endif
}

// 1 / x within 1e-6 relative.
SOTTO_INLINE Vec Reciprocal(Vec x) {
#ifdef __AVX512F__
  const Vec r = reinterpret_cast<Vec>(_mm512_maskz_rcp14_ps(0xffff, reinterpret_cast<__m512>(x)));
  return r * (2.0f - x * r);
#else
  return 1.0f / x;
#endif
}

SOTTO_INLINE float ToFloat(float x) { return x; }
SOTTO_INLINE float ToFloat(Bf16 x) {
  const uint32_t w = static_cast<uint32_t>(x.bits) << 16;
  float f;
  std::memcpy(&f, &w, sizeof f);
  return f;
}
SOTTO_INLINE void StoreOne(float* p, float x) { *p = x; }
SOTTO_INLINE void StoreOne(Bf16* p, float x) {
  uint32_t w;
  std::memcpy(&w, &x, sizeof w);
  w += 0x7fffu + ((w >> 16) & 1u);
  p->bits = static_cast<uint16_t>(w >> 16);
}

}  // namespace
}  // namespace sotto::SOTTO_ISA
