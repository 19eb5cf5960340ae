// Norms, RoPE, gates, softmax: functions of one row, over the vectors of simd_<isa>.h. Included once by a
// kernels_<isa>.cc.
#pragma once

#include "nn/kernel_table.h"

namespace sotto {
namespace {

// Cephes' expf: within 2 ulp; 0 below -87.3.
inline VF Exp(VF x) {
  const VF clamped = Min(Max(x, Set(-87.3f)), Set(88.3f));
  const VI n = Round(Mul(clamped, Set(1.44269504088896341f)));
  const VF nf = ToFloat(n);
  const VF r = Fnma(nf, Set(-2.12194440e-4f), Fnma(nf, Set(0.693359375f), clamped));
  VF p = Set(1.9875691500e-4f);
  p = Fma(p, r, Set(1.3981999507e-3f));
  p = Fma(p, r, Set(8.3334519073e-3f));
  p = Fma(p, r, Set(4.1665795894e-2f));
  p = Fma(p, r, Set(1.6666665459e-1f));
  p = Fma(p, r, Set(5.0000001201e-1f));
  p = Add(Fma(p, Mul(r, r), r), Set(1.0f));
  return ZeroIfLess(Mul(p, Pow2(n)), x, -87.3f);
}

// (1 - exp(-2|x|)) / (1 + exp(-2|x|)) with the sign of x: within 1e-7 absolute.
inline VF Tanh(VF x) {
  const VF magnitude = Abs(x);
  const VF e = Exp(Mul(magnitude, Set(-2.0f)));
  const VF large = Div(Sub(Set(1.0f), e), Add(Set(1.0f), e));
  const VF sign = Div(x, Max(magnitude, Set(1e-30f)));
  return Mul(large, sign);
}

inline VF Sigmoid(VF x) { return Div(Set(1.0f), Add(Set(1.0f), Exp(Sub(Zero(), x)))); }

inline VF GeluTanh(VF x) {
  const VF inner = Mul(Mul(x, Set(0.79788456080286535588f)), Fma(Mul(x, x), Set(0.044715f), Set(1.0f)));
  return Mul(Mul(x, Set(0.5f)), Add(Set(1.0f), Tanh(inner)));
}

// y[i] = f(x[i]) over n values; the tail goes through the same vectors.
template <typename F>
inline void Map(const float* x, size_t n, float* y, F f) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) Store(y + i, f(i, Load(x + i), size_t{16}));
  if (i < n) StoreN(y + i, f(i, LoadN(x + i, n - i), n - i), n - i);
}

template <typename F>
inline float Sum(const float* x, size_t n, F f) {
  VF sum = Zero();
  size_t i = 0;
  for (; i + 16 <= n; i += 16) sum = Add(sum, f(Load(x + i)));
  float total = ReduceAdd(sum);
  if (i < n) {
    alignas(64) float tail[16];
    Store(tail, f(LoadN(x + i, n - i)));
    for (size_t k = 0; k < n - i; ++k) total += tail[k];
  }
  return total;
}

inline VF LoadPart(const float* p, size_t n) { return n == 16 ? Load(p) : LoadN(p, n); }

void RmsNormRow(const float* x, size_t n, const float* weight, float eps, float* y) {
  const float square = Sum(x, n, [](VF v) { return Mul(v, v); });
  const VF inverse = Set(1.0f / __builtin_sqrtf(square / static_cast<float>(n) + eps));
  Map(x, n, y, [&](size_t i, VF v, size_t k) {
    const VF scaled = Mul(v, inverse);
    return weight != nullptr ? Mul(scaled, LoadPart(weight + i, k)) : scaled;
  });
}

void LayerNormRow(const float* x, size_t n, const float* weight, const float* bias, float eps, float* y) {
  const float mean = Sum(x, n, [](VF v) { return v; }) / static_cast<float>(n);
  const VF mean_v = Set(mean);
  const float variance =
      Sum(x, n, [&](VF v) { return Mul(Sub(v, mean_v), Sub(v, mean_v)); }) / static_cast<float>(n);
  const VF inverse = Set(1.0f / __builtin_sqrtf(variance + eps));
  Map(x, n, y, [&](size_t i, VF v, size_t k) {
    const VF scaled = Mul(Sub(v, mean_v), inverse);
    const VF weighted = weight != nullptr ? Mul(scaled, LoadPart(weight + i, k)) : scaled;
    return bias != nullptr ? Add(weighted, LoadPart(bias + i, k)) : weighted;
  });
}

void RopeHead(RopePairing pairing, const float* cos, const float* sin, size_t n_rot, float* x) {
  const size_t half = n_rot / 2;
  if (pairing == RopePairing::kAdjacent) {
    for (size_t i = 0; i < half; ++i) {
      const float a = x[2 * i];
      const float b = x[2 * i + 1];
      x[2 * i] = a * cos[i] - b * sin[i];
      x[2 * i + 1] = a * sin[i] + b * cos[i];
    }
    return;
  }
  for (size_t i = 0; i < half; i += 16) {
    const size_t n = half - i < 16 ? half - i : 16;
    const VF a = LoadPart(x + i, n);
    const VF b = LoadPart(x + half + i, n);
    const VF c = LoadPart(cos + i, n);
    const VF s = LoadPart(sin + i, n);
    StoreN(x + i, Sub(Mul(a, c), Mul(b, s)), n);
    StoreN(x + half + i, Add(Mul(a, s), Mul(b, c)), n);
  }
}

void SiluMulRow(const float* gate, const float* up, size_t n, float* y) {
  Map(gate, n, y, [&](size_t i, VF v, size_t k) { return Mul(Mul(v, Sigmoid(v)), LoadPart(up + i, k)); });
}

void GeluMulRow(const float* gate, const float* up, size_t n, float* y) {
  Map(gate, n, y, [&](size_t i, VF v, size_t k) {
    return up != nullptr ? Mul(GeluTanh(v), LoadPart(up + i, k)) : GeluTanh(v);
  });
}

void SoftmaxRow(float* x, size_t n) {
  float max = x[0];
  for (size_t i = 1; i < n; ++i) max = x[i] > max ? x[i] : max;
  const VF max_v = Set(max);
  Map(x, n, x, [&](size_t, VF v, size_t) { return Exp(Sub(v, max_v)); });
  const VF inverse = Set(1.0f / Sum(x, n, [](VF v) { return v; }));
  Map(x, n, x, [&](size_t, VF v, size_t) { return Mul(v, inverse); });
}

void SoftcapRow(float* x, size_t n, float cap) {
  Map(x, n, x, [&](size_t, VF v, size_t) { return Mul(Set(cap), Tanh(Div(v, Set(cap)))); });
}

void AxpyRow(float a, const float* x, size_t n, float* y) {
  Map(x, n, y, [&](size_t i, VF v, size_t k) { return Fma(Set(a), v, LoadPart(y + i, k)); });
}

void ScaleRow(float a, size_t n, float* x) {
  Map(x, n, x, [&](size_t, VF v, size_t) { return Mul(Set(a), v); });
}

void ReadBytes(const std::byte* data, size_t size_bytes) {
  VB even = LoadBytes(data);
  VB odd = even;
  for (size_t i = 0; i < size_bytes; i += 128) {
    Prefetch(data + i + 2048);
    Prefetch(data + i + 2112);
    even = Xor(even, LoadBytes(data + i));
    odd = Xor(odd, LoadBytes(data + i + 64));
  }
  alignas(64) std::byte sink[64];
  StoreBytes(sink, Xor(even, odd));
  asm volatile("" : : "m"(sink) : "memory");
}

}  // namespace
}  // namespace sotto
