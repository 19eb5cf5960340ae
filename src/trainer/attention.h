// Causal attention of packed sequences on vectors; kernels.h says what it computes. Included once per
// instruction set (kernels.cc).
#pragma once

#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "trainer/head_norm.h"

namespace sotto::SOTTO_ISA {
namespace {

constexpr int kRows = 8;  // query rows a tile of attention holds

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
    WithHeadDim(shape, [&](auto dim) {
      SequenceForward<dim(), T>(shape, qkv + at * shape.row_size(), length, out + at * width,
                                lse + at * shape.n_heads, scratch);
    });
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
    WithHeadDim(shape, [&](auto dim) {
      SequenceBackward<dim(), T>(shape, qkv + at * shape.row_size(), length, out + at * width,
                                 lse + at * shape.n_heads, d_out + at * width, d_qkv + at * shape.row_size(),
                                 d_q_gain, d_k_gain, scratch);
    });
  }
}

}  // namespace
}  // namespace sotto::SOTTO_ISA
