// Built once per instruction set: SOTTO_ISA names the namespace (see CMakeLists.txt). Vectors are the
// compiler's own 16-float vectors, which it splits where the machine's are shorter.
#include "trainer/kernels.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace sotto::SOTTO_ISA {
namespace {

typedef float Vec __attribute__((vector_size(64)));
typedef int32_t IVec __attribute__((vector_size(64)));
typedef uint32_t UVec __attribute__((vector_size(64)));
typedef uint16_t HVec __attribute__((vector_size(32)));
constexpr int kWidth = 16;
constexpr int kRows = 8;  // query rows a tile of attention holds

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
  UVec w = reinterpret_cast<UVec>(v);
  w += 0x7fffu + ((w >> 16) & 1u);
  const HVec h = __builtin_convertvector(w >> 16, HVec);
  std::memcpy(p, &h, sizeof h);
}
SOTTO_INLINE Vec Splat(float x) { return Vec{} + x; }

SOTTO_INLINE float Sum(Vec v) {
  float f[kWidth];
  std::memcpy(f, &v, sizeof f);
  for (int step = 8; step > 0; step /= 2) {
    for (int i = 0; i < step; ++i) f[i] += f[i + step];
  }
  return f[0];
}
SOTTO_INLINE Vec Max(Vec a, Vec b) { return a > b ? a : b; }
SOTTO_INLINE float MaxOf(Vec v) {
  float best = v[0];
  for (int i = 1; i < kWidth; ++i) best = std::max(best, v[i]);
  return best;
}

// e^x within 2e-7 relative; 0 below -87.
SOTTO_INLINE Vec Exp(Vec x) {
  const Vec low = Splat(-87.3f);
  const Vec high = Splat(88.0f);
  const IVec tiny = x < low;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const Vec magic = Splat(12582912.0f);
  const Vec shifted = x * 1.44269504f + magic;
  const Vec n = shifted - magic;
  const Vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vec p = Splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const IVec exponent = (reinterpret_cast<IVec>(shifted) - 0x4B400000 + 127) << 23;
  const Vec result = p * reinterpret_cast<Vec>(exponent);
  return tiny ? Vec{} : result;
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

template <typename T>
void ResidualNorm(const float* x_in, const T* y, const float* gain, float* x_out, T* h, float* inverse, int n,
                  int d, float eps) {
  for (int i = 0; i < n; ++i) {
    const float* in = x_in + static_cast<int64_t>(i) * d;
    const T* add = y == nullptr ? nullptr : y + static_cast<int64_t>(i) * d;
    float* x = x_out + static_cast<int64_t>(i) * d;
    T* out = h + static_cast<int64_t>(i) * d;
    Vec squares{};
    for (int j = 0; j < d; j += kWidth) {
      Vec v = Load(in + j);
      if (add != nullptr) v += Load(add + j);
      Store(x + j, v);
      squares += v * v;
    }
    const float scale = 1.0f / std::sqrt(Sum(squares) / static_cast<float>(d) + eps);
    inverse[i] = scale;
    for (int j = 0; j < d; j += kWidth) Store(out + j, Load(x + j) * scale * Load(gain + j));
  }
}

template <typename T>
void ResidualNormBackward(const T* dh, const float* x, const float* gain, const float* inverse, float* dx,
                          T* dx_low, float* d_gain, int n, int d) {
  for (int i = 0; i < n; ++i) {
    const int64_t at = static_cast<int64_t>(i) * d;
    const float scale = inverse[i];
    Vec dot{};
    for (int j = 0; j < d; j += kWidth) {
      const Vec g = Load(dh + at + j);
      const Vec hat = Load(x + at + j) * scale;
      Store(d_gain + j, Load(d_gain + j) + g * hat);
      dot += g * Load(gain + j) * hat;
    }
    const float mean = Sum(dot) / static_cast<float>(d);
    for (int j = 0; j < d; j += kWidth) {
      const Vec hat = Load(x + at + j) * scale;
      const Vec v = Load(dx + at + j) + (Load(dh + at + j) * Load(gain + j) - hat * mean) * scale;
      Store(dx + at + j, v);
      if (dx_low != nullptr) Store(dx_low + at + j, v);
    }
  }
}

// One query or key head of one token: head norm, then rotary embedding. Returns 1 / rms.
template <int D, typename T>
SOTTO_INLINE float NormRope(const T* in, const float* gain, const float* cosines, const float* sines,
                            float eps, float* out) {
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

// scores[r][j] = a[r] . bt[.][j] for j < width (a multiple of 32); bt is [D][pitch].
template <int D>
SOTTO_INLINE void TileProduct(const float* a, const float* bt, int pitch, int width, float* scores) {
  for (int j = 0; j < width; j += 2 * kWidth) {
    Vec acc[kRows][2]{};
    for (int k = 0; k < D; ++k) {
      const Vec b0 = Load(bt + k * pitch + j);
      const Vec b1 = Load(bt + k * pitch + j + kWidth);
      for (int r = 0; r < kRows; ++r) {
        const float x = a[r * D + k];
        acc[r][0] += b0 * x;
        acc[r][1] += b1 * x;
      }
    }
    for (int r = 0; r < kRows; ++r) {
      Store(scores + r * pitch + j, acc[r][0]);
      Store(scores + r * pitch + j + kWidth, acc[r][1]);
    }
  }
}

// out[r] = sum over j < count of p[r][j] * b[j]; b is [.][D].
template <int D>
SOTTO_INLINE void TileReduce(const float* p, int pitch, const float* b, int count, float* out) {
  for (int c = 0; c < D; c += 2 * kWidth) {
    Vec acc[kRows][2]{};
    for (int j = 0; j < count; ++j) {
      const Vec b0 = Load(b + j * D + c);
      const Vec b1 = Load(b + j * D + c + kWidth);
      for (int r = 0; r < kRows; ++r) {
        const float x = p[r * pitch + j];
        acc[r][0] += b0 * x;
        acc[r][1] += b1 * x;
      }
    }
    for (int r = 0; r < kRows; ++r) {
      Store(out + r * D + c, acc[r][0]);
      Store(out + r * D + c + kWidth, acc[r][1]);
    }
  }
}

// out[j] += sum over r of p[r][j] * a[r], for j < count.
template <int D>
SOTTO_INLINE void TileScatter(const float* p, int pitch, const float* a, int count, float* out) {
  for (int c = 0; c < D; c += 2 * kWidth) {
    Vec rows[kRows][2];
    for (int r = 0; r < kRows; ++r) {
      rows[r][0] = Load(a + r * D + c);
      rows[r][1] = Load(a + r * D + c + kWidth);
    }
    for (int j = 0; j < count; ++j) {
      Vec acc0 = Load(out + j * D + c);
      Vec acc1 = Load(out + j * D + c + kWidth);
      for (int r = 0; r < kRows; ++r) {
        const float x = p[r * pitch + j];
        acc0 += rows[r][0] * x;
        acc1 += rows[r][1] * x;
      }
      Store(out + j * D + c, acc0);
      Store(out + j * D + c + kWidth, acc1);
    }
  }
}

int RoundUp(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

// Scratch of one sequence; grows and is kept between sequences.
struct Scratch {
  std::vector<float> k, kt, v, vt, scores, d_scores, dk, dv, k_scale;
  void Reserve(int pitch, int dim) {
    const auto matrix = static_cast<size_t>(pitch) * static_cast<size_t>(dim);
    for (auto* m : {&k, &kt, &v, &vt, &dk, &dv}) {
      if (m->size() < matrix) m->resize(matrix);
    }
    const auto tile = static_cast<size_t>(pitch) * kRows;
    if (scores.size() < tile) scores.resize(tile);
    if (d_scores.size() < tile) d_scores.resize(tile);
    if (k_scale.size() < static_cast<size_t>(pitch)) k_scale.resize(static_cast<size_t>(pitch));
  }
};

template <int D, typename T>
void LoadKeysValues(const AttentionShape& shape, const T* qkv, int length, int pitch, int group, Scratch& s) {
  const int row = shape.row_size();
  for (int i = 0; i < length; ++i) {
    const T* k = qkv + static_cast<int64_t>(i) * row + (shape.n_heads + group) * D;
    const T* v = k + shape.n_kv_heads * D;
    s.k_scale[static_cast<size_t>(i)] = NormRope<D>(k, shape.k_gain, shape.cosines + i * (D / 2),
                                                    shape.sines + i * (D / 2), shape.eps, s.k.data() + i * D);
    for (int j = 0; j < D; j += kWidth) Store(s.v.data() + i * D + j, Load(v + j));
  }
  std::fill(s.k.begin() + length * D, s.k.begin() + pitch * D, 0.0f);
  std::fill(s.v.begin() + length * D, s.v.begin() + pitch * D, 0.0f);
  for (int j = 0; j < D; ++j) {
    for (int i = 0; i < pitch; ++i)
      s.kt[static_cast<size_t>(j * pitch + i)] = s.k[static_cast<size_t>(i * D + j)];
  }
}

template <int D, typename T>
void SequenceForward(const AttentionShape& shape, const T* qkv, int length, T* out, float* lse, Scratch& s) {
  const int pitch = RoundUp(length, 2 * kWidth);
  s.Reserve(pitch, D);
  const int row = shape.row_size();
  const float scale = 1.0f / std::sqrt(static_cast<float>(D));
  const int per_group = shape.n_heads / shape.n_kv_heads;
  for (int head = 0; head < shape.n_heads; ++head) {
    if (head % per_group == 0) LoadKeysValues<D>(shape, qkv, length, pitch, head / per_group, s);
    for (int i0 = 0; i0 < length; i0 += kRows) {
      const int rows = std::min(kRows, length - i0);
      alignas(64) float q[kRows * D] = {};
      alignas(64) float o[kRows * D];
      for (int r = 0; r < rows; ++r) {
        const int i = i0 + r;
        NormRope<D>(qkv + static_cast<int64_t>(i) * row + head * D, shape.q_gain, shape.cosines + i * (D / 2),
                    shape.sines + i * (D / 2), shape.eps, q + r * D);
      }
      const int width = RoundUp(i0 + kRows, 2 * kWidth) < pitch ? RoundUp(i0 + kRows, 2 * kWidth) : pitch;
      float* scores = s.scores.data();
      TileProduct<D>(q, s.kt.data(), pitch, width, scores);
      float inverse_sum[kRows];
      for (int r = 0; r < kRows; ++r) {
        float* p = scores + r * pitch;
        const int limit = std::min(i0 + r + 1, length);
        for (int j = limit; j < width; ++j) p[j] = -std::numeric_limits<float>::infinity();
        Vec best = Splat(-std::numeric_limits<float>::infinity());
        for (int j = 0; j < width; j += kWidth) best = Max(best, Load(p + j));
        const float top = MaxOf(best) * scale;
        Vec sum{};
        for (int j = 0; j < width; j += kWidth) {
          const Vec e = Exp(Load(p + j) * scale - top);
          Store(p + j, e);
          sum += e;
        }
        const float total = Sum(sum);
        inverse_sum[r] = 1.0f / total;
        if (r < rows) lse[static_cast<int64_t>(i0 + r) * shape.n_heads + head] = top + std::log(total);
      }
      TileReduce<D>(scores, pitch, s.v.data(), std::min(width, i0 + kRows), o);
      for (int r = 0; r < rows; ++r) {
        T* to = out + (static_cast<int64_t>(i0 + r) * shape.n_heads + head) * D;
        for (int j = 0; j < D; j += kWidth) Store(to + j, Load(o + r * D + j) * inverse_sum[r]);
      }
    }
  }
}

// One tile of query rows in the backward pass: recomputes the probabilities and sends gradients to dq, dk,
// dv.
template <int D>
SOTTO_INLINE void TileBackward(int i0, int length, int pitch, const float* q, const float* d_o,
                               const float* lse, const float* delta, Scratch& s, float* dq) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(D));
  const int width = std::min(RoundUp(i0 + kRows, 2 * kWidth), pitch);
  const int count = std::min(i0 + kRows, length);
  float* p = s.scores.data();
  float* dp = s.d_scores.data();
  TileProduct<D>(q, s.kt.data(), pitch, width, p);
  TileProduct<D>(d_o, s.vt.data(), pitch, width, dp);
  for (int r = 0; r < kRows; ++r) {
    float* pr = p + r * pitch;
    float* dr = dp + r * pitch;
    const int limit = std::min(i0 + r + 1, length);
    for (int j = limit; j < width; ++j) pr[j] = -std::numeric_limits<float>::infinity();
    for (int j = 0; j < width; j += kWidth) {
      const Vec e = Exp(Load(pr + j) * scale - lse[r]);
      Store(pr + j, e);
      Store(dr + j, e * (Load(dr + j) - delta[r]) * scale);
    }
  }
  TileReduce<D>(dp, pitch, s.k.data(), count, dq);
  TileScatter<D>(dp, pitch, q, count, s.dk.data());
  TileScatter<D>(p, pitch, d_o, count, s.dv.data());
}

template <int D, typename T>
void SequenceBackward(const AttentionShape& shape, const T* qkv, int length, const T* out, const float* lse,
                      const T* d_out, T* d_qkv, float* d_q_gain, float* d_k_gain, Scratch& s) {
  const int pitch = RoundUp(length, 2 * kWidth);
  s.Reserve(pitch, D);
  const int row = shape.row_size();
  const int per_group = shape.n_heads / shape.n_kv_heads;
  for (int group = 0; group < shape.n_kv_heads; ++group) {
    LoadKeysValues<D>(shape, qkv, length, pitch, group, s);
    for (int j = 0; j < D; ++j) {
      for (int i = 0; i < pitch; ++i)
        s.vt[static_cast<size_t>(j * pitch + i)] = s.v[static_cast<size_t>(i * D + j)];
    }
    std::fill(s.dk.begin(), s.dk.begin() + pitch * D, 0.0f);
    std::fill(s.dv.begin(), s.dv.begin() + pitch * D, 0.0f);
    for (int head = group * per_group; head < (group + 1) * per_group; ++head) {
      for (int i0 = 0; i0 < length; i0 += kRows) {
        const int rows = std::min(kRows, length - i0);
        alignas(64) float q[kRows * D] = {};
        alignas(64) float d_o[kRows * D] = {};
        alignas(64) float dq[kRows * D];
        float q_scale[kRows] = {};
        float row_lse[kRows] = {};
        float delta[kRows] = {};
        for (int r = 0; r < rows; ++r) {
          const int i = i0 + r;
          q_scale[r] =
              NormRope<D>(qkv + static_cast<int64_t>(i) * row + head * D, shape.q_gain,
                          shape.cosines + i * (D / 2), shape.sines + i * (D / 2), shape.eps, q + r * D);
          const int64_t at = (static_cast<int64_t>(i) * shape.n_heads + head) * D;
          Vec dot{};
          for (int j = 0; j < D; j += kWidth) {
            const Vec g = Load(d_out + at + j);
            Store(d_o + r * D + j, g);
            dot += g * Load(out + at + j);
          }
          delta[r] = Sum(dot);
          row_lse[r] = lse[static_cast<int64_t>(i) * shape.n_heads + head];
        }
        TileBackward<D>(i0, length, pitch, q, d_o, row_lse, delta, s, dq);
        for (int r = 0; r < rows; ++r) {
          const int i = i0 + r;
          const int64_t at = static_cast<int64_t>(i) * row + head * D;
          NormRopeBackward<D>(qkv + at, shape.q_gain, shape.cosines + i * (D / 2), shape.sines + i * (D / 2),
                              q_scale[r], dq + r * D, d_qkv + at, d_q_gain);
        }
      }
    }
    for (int i = 0; i < length; ++i) {
      const int64_t at = static_cast<int64_t>(i) * row + (shape.n_heads + group) * D;
      NormRopeBackward<D>(qkv + at, shape.k_gain, shape.cosines + i * (D / 2), shape.sines + i * (D / 2),
                          s.k_scale[static_cast<size_t>(i)], s.dk.data() + i * D, d_qkv + at, d_k_gain);
      T* dv = d_qkv + at + shape.n_kv_heads * D;
      for (int j = 0; j < D; j += kWidth) Store(dv + j, Load(s.dv.data() + i * D + j));
    }
  }
}

template <typename T>
void Attention(const AttentionShape& shape, std::span<const int> starts, const T* qkv, T* out, float* lse) {
  thread_local Scratch scratch;
  const int width = shape.n_heads * shape.head_dim;
  for (size_t i = 0; i + 1 < starts.size(); ++i) {
    const int64_t at = starts[i];
    const int length = starts[i + 1] - starts[i];
    const auto forward = shape.head_dim == 32   ? &SequenceForward<32, T>
                         : shape.head_dim == 64 ? &SequenceForward<64, T>
                                                : &SequenceForward<128, T>;
    forward(shape, qkv + at * shape.row_size(), length, out + at * width, lse + at * shape.n_heads, scratch);
  }
}

template <typename T>
void AttentionBackward(const AttentionShape& shape, std::span<const int> starts, const T* qkv, const T* out,
                       const float* lse, const T* d_out, T* d_qkv, float* d_q_gain, float* d_k_gain) {
  thread_local Scratch scratch;
  const int width = shape.n_heads * shape.head_dim;
  for (size_t i = 0; i + 1 < starts.size(); ++i) {
    const int64_t at = starts[i];
    const int length = starts[i + 1] - starts[i];
    const auto backward = shape.head_dim == 32   ? &SequenceBackward<32, T>
                          : shape.head_dim == 64 ? &SequenceBackward<64, T>
                                                 : &SequenceBackward<128, T>;
    backward(shape, qkv + at * shape.row_size(), length, out + at * width, lse + at * shape.n_heads,
             d_out + at * width, d_qkv + at * shape.row_size(), d_q_gain, d_k_gain, scratch);
  }
}

template <typename T>
void Swiglu(const T* gate_up, T* out, int n, int d_ff) {
  for (int i = 0; i < n; ++i) {
    const T* gate = gate_up + static_cast<int64_t>(i) * 2 * d_ff;
    T* to = out + static_cast<int64_t>(i) * d_ff;
    for (int j = 0; j < d_ff; j += kWidth) {
      const Vec g = Load(gate + j);
      Store(to + j, g * Reciprocal(1.0f + Exp(-g)) * Load(gate + d_ff + j));
    }
  }
}

template <typename T>
void SwigluBackward(const T* gate_up, const T* d_out, T* d_gate_up, int n, int d_ff) {
  for (int i = 0; i < n; ++i) {
    const T* gate = gate_up + static_cast<int64_t>(i) * 2 * d_ff;
    T* d_gate = d_gate_up + static_cast<int64_t>(i) * 2 * d_ff;
    const T* d = d_out + static_cast<int64_t>(i) * d_ff;
    for (int j = 0; j < d_ff; j += kWidth) {
      const Vec g = Load(gate + j);
      const Vec u = Load(gate + d_ff + j);
      const Vec sigmoid = Reciprocal(1.0f + Exp(-g));
      const Vec dy = Load(d + j);
      Store(d_gate + j, dy * u * sigmoid * (1.0f + g * (1.0f - sigmoid)));
      Store(d_gate + d_ff + j, dy * g * sigmoid);
    }
  }
}

// Replaces a row by e^(row - max) and returns the sum; `top` is the maximum.
template <typename T>
SOTTO_INLINE float SoftmaxRow(T* row, int v, float* probabilities, float& top) {
  const int whole = v / kWidth * kWidth;
  Vec best = Splat(-std::numeric_limits<float>::infinity());
  for (int j = 0; j < whole; j += kWidth) best = Max(best, Load(row + j));
  top = MaxOf(best);
  for (int j = whole; j < v; ++j) top = std::max(top, ToFloat(row[j]));
  Vec sum{};
  for (int j = 0; j < whole; j += kWidth) {
    const Vec e = Exp(Load(row + j) - top);
    Store(probabilities + j, e);
    sum += e;
  }
  float total = Sum(sum);
  for (int j = whole; j < v; ++j) {
    probabilities[j] = std::exp(ToFloat(row[j]) - top);
    total += probabilities[j];
  }
  return total;
}

template <typename T>
void CrossEntropy(T* logits, int n, int v, int stride, const int32_t* target, const float* weight,
                  RowScore* score) {
  thread_local std::vector<float> buffer;
  buffer.resize(static_cast<size_t>(RoundUp(v, kWidth)));
  float* p = buffer.data();
  for (int i = 0; i < n; ++i) {
    T* row = logits + static_cast<int64_t>(i) * stride;
    const float at_target = ToFloat(row[target[i]]);
    float top = 0;
    const float total = SoftmaxRow(row, v, p, top);
    score[i].loss = std::log(total) + top - at_target;
    score[i].probability = std::exp(-score[i].loss);
    score[i].top = 1.0f / total;
    score[i].hit = at_target >= top;
    const float scale = weight[i] / total;
    int j = 0;
    for (; j + kWidth <= v; j += kWidth) Store(row + j, Load(p + j) * scale);
    for (; j < v; ++j) StoreOne(row + j, p[j] * scale);
    StoreOne(row + target[i], (p[target[i]] / total - 1.0f) * weight[i]);
    for (j = v; j < stride; ++j) StoreOne(row + j, 0.0f);
  }
}

template <typename T>
void Distill(T* logits, const float* teacher, int n, int v, int stride, const float* weight, float* loss) {
  thread_local std::vector<float> buffer;
  buffer.resize(static_cast<size_t>(RoundUp(v, kWidth)));
  float* p = buffer.data();
  for (int i = 0; i < n; ++i) {
    T* row = logits + static_cast<int64_t>(i) * stride;
    const float* goal = teacher + static_cast<int64_t>(i) * v;
    float top = 0;
    const float total = SoftmaxRow(row, v, p, top);
    float sum = 0;
    for (int j = 0; j < v; ++j) {
      const float probability = p[j] / total;
      if (goal[j] > 0) sum += goal[j] * (std::log(goal[j]) - std::log(std::max(probability, 1e-30f)));
      StoreOne(row + j, weight[i] * (probability - goal[j]));
    }
    for (int j = v; j < stride; ++j) StoreOne(row + j, 0.0f);
    loss[i] = sum;
  }
}

template <typename T>
void Convert(const float* from, T* to, int64_t n) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) Store(to + i, Load(from + i));
  for (; i < n; ++i) StoreOne(to + i, from[i]);
}

template <typename T>
void Accumulate(const T* from, float* to, int64_t n) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) Store(to + i, Load(to + i) + Load(from + i));
  for (; i < n; ++i) to[i] += ToFloat(from[i]);
}

template <typename T>
constexpr KernelTable<T> kTable = {
    &ResidualNorm<T>,   &ResidualNormBackward<T>, &Attention<T>, &AttentionBackward<T>, &Swiglu<T>,
    &SwigluBackward<T>, &CrossEntropy<T>,         &Distill<T>,   &Convert<T>,           &Accumulate<T>};

}  // namespace

const KernelTable<float>& FloatKernels() { return kTable<float>; }
const KernelTable<Bf16>& Bf16Kernels() { return kTable<Bf16>; }

}  // namespace sotto::SOTTO_ISA
