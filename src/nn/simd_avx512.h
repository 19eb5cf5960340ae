// Sixteen-lane vectors on AVX-512 (F, BW, VL, DQ, VNNI, BF16). Included once by a kernels_<isa>.cc, before
// the kernel source. Operations are the same in every simd_<isa>.h: Fma(a, b, c) = a * b + c, Fnma(a, b, c) =
// c - a * b; LoadN/StoreN touch n <= 16 lanes (the others load as 0); Dot adds to each 32-bit lane the four
// products of its unsigned bytes of w with signed bytes of x; DotBf16 the two products of its BF16 pairs;
// OrShifted shifts `high` left (right if negative), masks every byte and joins it to `low`; KeepLanes
// replaces the lanes outside [begin, end); ByteLane<i> is byte i of each 32-bit lane as a float.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "nn/half.h"

namespace sotto {
namespace {

using VF = __m512;
using VI = __m512i;
using VB = __m512i;

constexpr int kDirectTokens = 8;          // up to so many tokens a matrix is unpacked on the fly
constexpr int kTileTokens = 4;            // tokens of a tile for batches, a power of two
constexpr int kTileGroups = 2;            // row groups of such a tile
constexpr int kAttentionTile = 4;         // rows of an attention tile, a power of two
constexpr bool kFullRangeSigned = false;  // Dot<true> takes the bytes as unsigned

inline __mmask16 FirstLanes(size_t n) { return static_cast<__mmask16>((1u << n) - 1u); }

inline VF Set(float x) { return _mm512_set1_ps(x); }
inline VF Zero() { return _mm512_setzero_ps(); }
inline VF Load(const float* p) { return _mm512_loadu_ps(p); }
inline void Store(float* p, VF v) { _mm512_storeu_ps(p, v); }
inline VF LoadN(const float* p, size_t n) { return _mm512_maskz_loadu_ps(FirstLanes(n), p); }
inline void StoreN(float* p, VF v, size_t n) { _mm512_mask_storeu_ps(p, FirstLanes(n), v); }
inline VF LoadF16(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline VF LoadBf16(const uint16_t* p) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
inline VF LoadU8(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
inline VF LoadI8(const int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
inline void StoreF16(uint16_t* p, VF v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
inline void StoreBf16(uint16_t* p, VF v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
}
inline VF Add(VF a, VF b) { return _mm512_add_ps(a, b); }
inline VF Sub(VF a, VF b) { return _mm512_sub_ps(a, b); }
inline VF Mul(VF a, VF b) { return _mm512_mul_ps(a, b); }
inline VF Div(VF a, VF b) { return _mm512_div_ps(a, b); }
inline VF Fma(VF a, VF b, VF c) { return _mm512_fmadd_ps(a, b, c); }
inline VF Fnma(VF a, VF b, VF c) { return _mm512_fnmadd_ps(a, b, c); }
inline VF Max(VF a, VF b) { return _mm512_max_ps(a, b); }
inline VF Min(VF a, VF b) { return _mm512_min_ps(a, b); }
inline VF Abs(VF a) { return _mm512_abs_ps(a); }
inline VF ZeroIfLess(VF v, VF x, float threshold) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, Set(threshold), _CMP_NLT_UQ), v);
}
inline float ReduceAdd(VF v) { return _mm512_reduce_add_ps(v); }
inline float ReduceMax(VF v) { return _mm512_reduce_max_ps(v); }
inline bool AnyGreater(VF a, VF b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) != 0; }
inline float First(VF v) { return _mm512_cvtss_f32(v); }
inline VF KeepLanes(VF v, size_t begin, size_t end, float other) {
  const auto keep = static_cast<__mmask16>(FirstLanes(end) & ~FirstLanes(begin));
  return _mm512_mask_mov_ps(Set(other), keep, v);
}
inline VI Round(VF v) { return _mm512_cvtps_epi32(v); }
inline VF ToFloat(VI v) { return _mm512_cvtepi32_ps(v); }
inline VF Pow2(VI n) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(127)), 23));
}

inline VI SetInt(int32_t x) { return _mm512_set1_epi32(x); }
inline VI AddInt(VI a, VI b) { return _mm512_add_epi32(a, b); }
inline int32_t ReduceAddInt(VI v) { return _mm512_reduce_add_epi32(v); }
inline void StoreInt8(int8_t* p, VI v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(v));
}

inline VB LoadBytes(const void* p) { return _mm512_loadu_si512(p); }
inline void StoreBytes(void* p, VB v) { _mm512_storeu_si512(p, v); }
inline VB Broadcast4(const void* p) {
  int32_t x;
  __builtin_memcpy(&x, p, 4);
  return _mm512_set1_epi32(x);
}
inline VB SubBytes(VB v, uint8_t x) { return _mm512_sub_epi8(v, _mm512_set1_epi8(static_cast<char>(x))); }
inline VB Xor(VB a, VB b) { return _mm512_xor_si512(a, b); }
inline VB LowNibbles(VB v) { return _mm512_and_si512(v, _mm512_set1_epi8(0x0F)); }
inline VB HighNibbles(VB v) { return _mm512_and_si512(_mm512_srli_epi32(v, 4), _mm512_set1_epi8(0x0F)); }
template <int kShift, uint8_t kMask>
inline VB OrShifted(VB low, VB high) {
  VB shifted = high;
  if constexpr (kShift > 0) shifted = _mm512_slli_epi32(high, kShift);
  if constexpr (kShift < 0) shifted = _mm512_srli_epi32(high, -kShift);
  // low | (shifted & mask)
  return _mm512_ternarylogic_epi32(low, shifted, _mm512_set1_epi8(static_cast<char>(kMask)), 0xF8);
}
template <bool kFullRange>
inline VI Dot(VI acc, VB w, VB x) {
  return _mm512_dpbusd_epi32(acc, w, x);
}
template <int kByte>
inline VF ByteLane(VB v) {
  return _mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(v, 8 * kByte), _mm512_set1_epi32(0xFF)));
}
inline VF DotBf16(VF acc, VB a, VB b) {
  return _mm512_dpbf16_ps(acc, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}
// Not the intrinsic: GCC takes a function that only prefetches for one without effect and drops its calls.
inline void Prefetch(const void* p) { asm volatile("prefetcht0 (%0)" : : "r"(p)); }
inline void PrefetchFar(const void* p) { asm volatile("prefetcht1 (%0)" : : "r"(p)); }

}  // namespace
}  // namespace sotto
