// Sixteen-lane vectors in the vector extensions of GCC and Clang: the scalar level, and NEON on AArch64.
// Included once by a kernels_<isa>.cc, before the kernel source. See simd_avx512.h for the meaning of each
// operation.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "nn/half.h"

namespace sotto {
namespace {

typedef float VF __attribute__((vector_size(64)));
typedef int32_t VI __attribute__((vector_size(64)));
typedef uint32_t VB __attribute__((vector_size(64)));  // 64 bytes

constexpr int kDirectTokens = 4;          // up to so many tokens a matrix is unpacked on the fly
constexpr int kTileTokens = 4;            // tokens of a tile for batches, a power of two
constexpr int kTileGroups = 1;            // row groups of such a tile
constexpr int kAttentionTile = 4;         // rows of an attention tile, a power of two
constexpr bool kFullRangeSigned = false;  // Dot<true> takes the bytes as unsigned

template <typename V>
inline V LoadAs(const void* p) {
  V v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
inline VF Set(float x) { return VF{} + x; }
inline VF Zero() { return VF{}; }
inline VF Load(const float* p) { return LoadAs<VF>(p); }
inline void Store(float* p, VF v) { std::memcpy(p, &v, sizeof(v)); }
inline VF LoadN(const float* p, size_t n) {
  VF v{};
  std::memcpy(&v, p, n * sizeof(float));
  return v;
}
inline void StoreN(float* p, VF v, size_t n) { std::memcpy(p, &v, n * sizeof(float)); }
inline VF LoadF16(const uint16_t* p) {
  VF v;
  for (int i = 0; i < 16; ++i) v[i] = F16ToFloat(p[i]);
  return v;
}
inline VF LoadBf16(const uint16_t* p) {
  VF v;
  for (int i = 0; i < 16; ++i) v[i] = Bf16ToFloat(p[i]);
  return v;
}
inline VF LoadU8(const uint8_t* p) {
  VF v;
  for (int i = 0; i < 16; ++i) v[i] = static_cast<float>(p[i]);
  return v;
}
inline VF LoadI8(const int8_t* p) {
  VF v;
  for (int i = 0; i < 16; ++i) v[i] = static_cast<float>(p[i]);
  return v;
}
inline void StoreF16(uint16_t* p, VF v) {
  for (int i = 0; i < 16; ++i) p[i] = FloatToF16(v[i]);
}
inline void StoreBf16(uint16_t* p, VF v) {
  for (int i = 0; i < 16; ++i) p[i] = FloatToBf16(v[i]);
}
inline VF Add(VF a, VF b) { return a + b; }
inline VF Sub(VF a, VF b) { return a - b; }
inline VF Mul(VF a, VF b) { return a * b; }
inline VF Div(VF a, VF b) { return a / b; }
inline VF Fma(VF a, VF b, VF c) { return a * b + c; }
inline VF Fnma(VF a, VF b, VF c) { return c - a * b; }
inline VF Max(VF a, VF b) { return a > b ? a : b; }
inline VF Min(VF a, VF b) { return a < b ? a : b; }
inline VF Abs(VF a) { return a < 0.0f ? -a : a; }
inline VF ZeroIfLess(VF v, VF x, float threshold) { return x < threshold ? VF{} : v; }
inline float ReduceAdd(VF v) {
  for (int step = 8; step > 0; step /= 2) {
    for (int i = 0; i < step; ++i) v[i] += v[i + step];
  }
  return v[0];
}
inline float ReduceMax(VF v) {
  float max = v[0];
  for (int i = 1; i < 16; ++i) max = v[i] > max ? v[i] : max;
  return max;
}
inline bool AnyGreater(VF a, VF b) {
  bool any = false;
  for (int i = 0; i < 16; ++i) any |= a[i] > b[i];
  return any;
}
inline float First(VF v) { return v[0]; }
inline VF KeepLanes(VF v, size_t begin, size_t end, float other) {
  for (size_t i = 0; i < 16; ++i) v[i] = i >= begin && i < end ? v[i] : other;
  return v;
}
inline VI Round(VF v) {
  VI r;
  for (int i = 0; i < 16; ++i) r[i] = static_cast<int32_t>(__builtin_rintf(v[i]));
  return r;
}
inline VF ToFloat(VI v) { return __builtin_convertvector(v, VF); }
inline VF Pow2(VI n) { return reinterpret_cast<VF>((n + 127) << 23); }

inline VI SetInt(int32_t x) { return VI{} + x; }
inline VI AddInt(VI a, VI b) { return a + b; }
inline int32_t ReduceAddInt(VI v) {
  int32_t sum = 0;
  for (int i = 0; i < 16; ++i) sum += v[i];
  return sum;
}
inline void StoreInt8(int8_t* p, VI v) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(v[i]);
}

inline VB LoadBytes(const void* p) { return LoadAs<VB>(p); }
inline void StoreBytes(void* p, VB v) { std::memcpy(p, &v, sizeof(v)); }
inline VB Broadcast4(const void* p) {
  uint32_t x;
  std::memcpy(&x, p, 4);
  return VB{} + x;
}
inline VB SubBytes(VB v, uint8_t x) {
  typedef uint8_t Bytes __attribute__((vector_size(64)));
  return reinterpret_cast<VB>(reinterpret_cast<Bytes>(v) - x);
}
inline VB Xor(VB a, VB b) { return a ^ b; }
inline VB LowNibbles(VB v) { return v & 0x0F0F0F0Fu; }
inline VB HighNibbles(VB v) { return (v >> 4) & 0x0F0F0F0Fu; }
template <int kShift>
inline VB Shift(VB v) {
  if constexpr (kShift >= 0)
    return v << kShift;
  else
    return v >> -kShift;
}
template <int kShift, uint8_t kMask>
inline VB OrShifted(VB low, VB high) {
  return low | (Shift<kShift>(high) & (0x01010101u * kMask));
}
template <bool kFullRange>
inline VI Dot(VI acc, VB w, VB x) {
  for (int i = 0; i < 4; ++i) {
    const int8_t xi = static_cast<int8_t>(x[0] >> (8 * i));
    acc += reinterpret_cast<VI>((w >> (8 * i)) & 0xFFu) * static_cast<int32_t>(xi);
  }
  return acc;
}
template <int kByte>
inline VF ByteLane(VB v) {
  return ToFloat(reinterpret_cast<VI>((v >> (8 * kByte)) & 0xFFu));
}
inline VF DotBf16(VF acc, VB a, VB b) {
  const VF odd = reinterpret_cast<VF>(a & 0xFFFF0000u) * reinterpret_cast<VF>(b & 0xFFFF0000u);
  const VF even = reinterpret_cast<VF>(a << 16) * reinterpret_cast<VF>(b << 16);
  return acc + odd + even;
}
[[gnu::always_inline]] inline void Prefetch(const void* p) { __builtin_prefetch(p); }
[[gnu::always_inline]] inline void PrefetchFar(const void* p) { __builtin_prefetch(p, 0, 2); }

}  // namespace
}  // namespace sotto
