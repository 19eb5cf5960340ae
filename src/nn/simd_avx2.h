// Sixteen-lane vectors as two registers of AVX2 (with FMA and F16C). Included once by a kernels_<isa>.cc,
// before the kernel source. See simd_avx512.h for the meaning of each operation.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "nn/half.h"

namespace sotto {
namespace {

struct VF {
  __m256 a, b;
};
struct VI {
  __m256i a, b;
};
struct VB {
  __m256i a, b;
};

constexpr int kDirectTokens = 4;         // up to so many tokens a matrix is unpacked on the fly
constexpr int kTileTokens = 2;           // tokens of a tile for batches, a power of two
constexpr int kTileGroups = 1;           // row groups of such a tile
constexpr int kAttentionTile = 2;        // rows of an attention tile, a power of two
constexpr bool kFullRangeSigned = true;  // Dot<true> takes the bytes as q + 128 and multiplies with q

inline VF Set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline VF Zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
inline VF Load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void Store(float* p, VF v) {
  _mm256_storeu_ps(p, v.a);
  _mm256_storeu_ps(p + 8, v.b);
}
inline __m256i FirstLanes(size_t n, int base) {
  const __m256i lane =
      _mm256_setr_epi32(base, base + 1, base + 2, base + 3, base + 4, base + 5, base + 6, base + 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
}
inline VF LoadN(const float* p, size_t n) {
  return {_mm256_maskload_ps(p, FirstLanes(n, 0)),
          n > 8 ? _mm256_maskload_ps(p + 8, FirstLanes(n, 8)) : _mm256_setzero_ps()};
}
inline void StoreN(float* p, VF v, size_t n) {
  _mm256_maskstore_ps(p, FirstLanes(n, 0), v.a);
  if (n > 8) _mm256_maskstore_ps(p + 8, FirstLanes(n, 8), v.b);
}
inline __m128i Load128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
inline VF LoadF16(const uint16_t* p) {
  return {_mm256_cvtph_ps(Load128(p)), _mm256_cvtph_ps(Load128(p + 8))};
}
inline __m256 Bf16x8(const uint16_t* p) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(Load128(p)), 16));
}
inline VF LoadBf16(const uint16_t* p) { return {Bf16x8(p), Bf16x8(p + 8)}; }
inline VF LoadU8(const uint8_t* p) {
  const __m128i v = Load128(p);
  return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(v)),
          _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(v, 8)))};
}
inline VF LoadI8(const int8_t* p) {
  const __m128i v = Load128(p);
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(v)),
          _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(v, 8)))};
}
inline void StoreF16(uint16_t* p, VF v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v.a, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(v.b, _MM_FROUND_TO_NEAREST_INT));
}
// Round to nearest even; finite values only.
inline __m256i RoundToBf16(__m256 v) {
  const __m256i bits = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  return _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(bits, odd), _mm256_set1_epi32(0x7FFF)), 16);
}
inline void StoreBf16(uint16_t* p, VF v) {
  const __m256i packed = _mm256_packus_epi32(RoundToBf16(v.a), RoundToBf16(v.b));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(packed, 0xD8));
}
inline VF Add(VF x, VF y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
inline VF Sub(VF x, VF y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
inline VF Mul(VF x, VF y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
inline VF Div(VF x, VF y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
inline VF Fma(VF x, VF y, VF z) { return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
inline VF Fnma(VF x, VF y, VF z) {
  return {_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b)};
}
inline VF Max(VF x, VF y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
inline VF Min(VF x, VF y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
inline VF Abs(VF x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}
inline VF ZeroIfLess(VF v, VF x, float threshold) {
  const __m256 t = _mm256_set1_ps(threshold);
  return {_mm256_andnot_ps(_mm256_cmp_ps(x.a, t, _CMP_LT_OQ), v.a),
          _mm256_andnot_ps(_mm256_cmp_ps(x.b, t, _CMP_LT_OQ), v.b)};
}
inline float ReduceAdd(VF v) {
  const __m256 eight = _mm256_add_ps(v.a, v.b);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float ReduceMax(VF v) {
  const __m256 eight = _mm256_max_ps(v.a, v.b);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
inline bool AnyGreater(VF a, VF b) {
  const __m256 greater =
      _mm256_or_ps(_mm256_cmp_ps(a.a, b.a, _CMP_GT_OQ), _mm256_cmp_ps(a.b, b.b, _CMP_GT_OQ));
  return _mm256_movemask_ps(greater) != 0;
}
inline float First(VF v) { return _mm256_cvtss_f32(v.a); }
inline __m256 KeepLanes8(__m256 v, size_t begin, size_t end, float other, int base) {
  const __m256i keep = _mm256_andnot_si256(FirstLanes(begin, base), FirstLanes(end, base));
  return _mm256_blendv_ps(_mm256_set1_ps(other), v, _mm256_castsi256_ps(keep));
}
inline VF KeepLanes(VF v, size_t begin, size_t end, float other) {
  return {KeepLanes8(v.a, begin, end, other, 0), KeepLanes8(v.b, begin, end, other, 8)};
}
inline VI Round(VF v) { return {_mm256_cvtps_epi32(v.a), _mm256_cvtps_epi32(v.b)}; }
inline VF ToFloat(VI v) { return {_mm256_cvtepi32_ps(v.a), _mm256_cvtepi32_ps(v.b)}; }
inline __m256 Pow2x8(__m256i n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
inline VF Pow2(VI n) { return {Pow2x8(n.a), Pow2x8(n.b)}; }

inline VI SetInt(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
inline int32_t ReduceAddInt(VI v) {
  const __m256i eight = _mm256_add_epi32(v.a, v.b);
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
  return _mm_cvtsi128_si32(two) + _mm_extract_epi32(two, 1);
}
inline void StoreInt8(int8_t* p, VI v) {
  const __m128i low = _mm_packs_epi32(_mm256_castsi256_si128(v.a), _mm256_extracti128_si256(v.a, 1));
  const __m128i high = _mm_packs_epi32(_mm256_castsi256_si128(v.b), _mm256_extracti128_si256(v.b, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(low, high));
}

inline VB LoadBytes(const void* p) {
  const auto* v = static_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(v), _mm256_loadu_si256(v + 1)};
}
inline void StoreBytes(void* p, VB v) {
  auto* to = static_cast<__m256i*>(p);
  _mm256_storeu_si256(to, v.a);
  _mm256_storeu_si256(to + 1, v.b);
}
inline VB Broadcast4(const void* p) {
  int32_t x;
  __builtin_memcpy(&x, p, 4);
  return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}
inline VB SubBytes(VB v, uint8_t x) {
  const __m256i all = _mm256_set1_epi8(static_cast<char>(x));
  return {_mm256_sub_epi8(v.a, all), _mm256_sub_epi8(v.b, all)};
}
inline VB Xor(VB x, VB y) { return {_mm256_xor_si256(x.a, y.a), _mm256_xor_si256(x.b, y.b)}; }
inline VB LowNibbles(VB v) {
  const __m256i mask = _mm256_set1_epi8(0x0F);
  return {_mm256_and_si256(v.a, mask), _mm256_and_si256(v.b, mask)};
}
inline VB HighNibbles(VB v) { return LowNibbles({_mm256_srli_epi32(v.a, 4), _mm256_srli_epi32(v.b, 4)}); }
template <int kShift>
inline __m256i Shifted(__m256i v) {
  if constexpr (kShift > 0) return _mm256_slli_epi32(v, kShift);
  if constexpr (kShift < 0) return _mm256_srli_epi32(v, -kShift);
  return v;
}
template <int kShift, uint8_t kMask>
inline VB OrShifted(VB low, VB high) {
  const __m256i mask = _mm256_set1_epi8(static_cast<char>(kMask));
  return {_mm256_or_si256(low.a, _mm256_and_si256(Shifted<kShift>(high.a), mask)),
          _mm256_or_si256(low.b, _mm256_and_si256(Shifted<kShift>(high.b), mask))};
}
// maddubs adds pairs of products in 16 bits: safe for bytes up to 128 on the unsigned side. Bytes of the full
// range are taken as signed q and the product as |q| * (x with the sign of q); x is in -127..127, so its
// negative exists.
template <bool kFullRange>
inline __m256i Dot8(__m256i acc, __m256i w, __m256i x) {
  if constexpr (kFullRange) {
    const __m256i q = _mm256_xor_si256(w, _mm256_set1_epi8(static_cast<char>(0x80)));
    w = _mm256_abs_epi8(q);
    x = _mm256_sign_epi8(x, q);
  }
  return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1)));
}
template <bool kFullRange>
inline VI Dot(VI acc, VB w, VB x) {
  return {Dot8<kFullRange>(acc.a, w.a, x.a), Dot8<kFullRange>(acc.b, w.b, x.b)};
}
template <int kByte>
inline VF ByteLane(VB v) {
  const __m256i mask = _mm256_set1_epi32(0xFF);
  return {_mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(v.a, 8 * kByte), mask)),
          _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(v.b, 8 * kByte), mask))};
}
inline __m256 DotBf16x8(__m256 acc, __m256i x, __m256i y) {
  const __m256i odd = _mm256_set1_epi32(static_cast<int>(0xFFFF0000u));
  acc = _mm256_fmadd_ps(_mm256_castsi256_ps(_mm256_and_si256(x, odd)),
                        _mm256_castsi256_ps(_mm256_and_si256(y, odd)), acc);
  return _mm256_fmadd_ps(_mm256_castsi256_ps(_mm256_slli_epi32(x, 16)),
                         _mm256_castsi256_ps(_mm256_slli_epi32(y, 16)), acc);
}
inline VF DotBf16(VF acc, VB x, VB y) { return {DotBf16x8(acc.a, x.a, y.a), DotBf16x8(acc.b, x.b, y.b)}; }
// Not the intrinsic: GCC takes a function that only prefetches for one without effect and drops its calls.
inline void Prefetch(const void* p) { asm volatile("prefetcht0 (%0)" : : "r"(p)); }
inline void PrefetchFar(const void* p) { asm volatile("prefetcht1 (%0)" : : "r"(p)); }

}  // namespace
}  // namespace sotto
