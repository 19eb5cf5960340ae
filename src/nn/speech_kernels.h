// What speech models need beyond language models: erf-GELU, tanh, sums of whole signals, log-sum-exp, and
// attention over positions that lie anywhere. Functions of one row, over the vectors of simd_<isa>.h.
// Included once by a kernels_<isa>.cc.
#pragma once

#include "nn/kernel_table.h"
#include "nn/vector_kernels.h"

namespace sotto {
namespace {

// A rational approximation within 4e-7 of erf, which is 1 in float beyond 4 (Eigen's generic_fast_erf).
inline VF Erf(VF x) {
  const VF v = Min(Max(x, Set(-4.0f)), Set(4.0f));
  const VF v2 = Mul(v, v);
  VF p = Set(-2.72614225801306e-10f);
  p = Fma(p, v2, Set(2.77068142495902e-08f));
  p = Fma(p, v2, Set(-2.10102402082508e-06f));
  p = Fma(p, v2, Set(-5.69250639462346e-05f));
  p = Fma(p, v2, Set(-7.34990630326855e-04f));
  p = Fma(p, v2, Set(-2.95459980854025e-03f));
  p = Fma(p, v2, Set(-1.60960333262415e-02f));
  VF q = Set(-1.45660718464996e-05f);
  q = Fma(q, v2, Set(-2.13374055278905e-04f));
  q = Fma(q, v2, Set(-1.68282697438203e-03f));
  q = Fma(q, v2, Set(-7.37332916720468e-03f));
  q = Fma(q, v2, Set(-1.42647390514189e-02f));
  return Div(Mul(v, p), q);
}

void GeluErfRow(const float* x, const float* bias, size_t n, float* y) {
  Map(x, n, y, [&](size_t i, VF v, size_t k) {
    if (bias != nullptr) v = Add(v, LoadPart(bias + i, k));
    return Mul(Mul(v, Set(0.5f)), Add(Set(1.0f), Erf(Mul(v, Set(0.70710678118654752f)))));
  });
}

void TanhRow(const float* x, size_t n, float* y) {
  Map(x, n, y, [](size_t, VF v, size_t) { return Tanh(v); });
}

void SigmoidRow(const float* x, size_t n, float* y) {
  Map(x, n, y, [](size_t, VF v, size_t) { return Sigmoid(v); });
}

float SumRow(const float* x, size_t n) {
  return Sum(x, n, [](VF v) { return v; });
}

float SquareDeviationRow(const float* x, size_t n, float mean) {
  const VF mean_v = Set(mean);
  return Sum(x, n, [&](VF v) { return Mul(Sub(v, mean_v), Sub(v, mean_v)); });
}

void NormaliseRow(const float* x, size_t n, float mean, float inverse, const float* weight, const float* bias,
                  float* y) {
  Map(x, n, y, [&](size_t i, VF v, size_t k) {
    return Fma(Mul(Sub(v, Set(mean)), Set(inverse)), LoadPart(weight + i, k), LoadPart(bias + i, k));
  });
}

float LogSumExpRow(const float* x, size_t n) {
  VF max_v = Set(x[0]);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) max_v = Max(max_v, Load(x + i));
  float max = ReduceMax(max_v);
  for (; i < n; ++i) max = x[i] > max ? x[i] : max;
  const VF shift = Set(max);
  return max + __builtin_logf(Sum(x, n, [&](VF v) { return Exp(Sub(v, shift)); }));
}

// The head `head` of one query over positions anywhere in memory (GatheredSequence in compute.h).
void GatheredAttentionHead(const GatheredJob& job, size_t head, float* scores) {
  const size_t hd = job.padded_head_dim;
  const size_t n = job.sequence->positions.size();
  const size_t key_offset = job.sequence->offset + head * hd;
  const size_t value_offset = key_offset + job.n_heads * hd;
  const float* query = job.query + head * job.head_dim;
  alignas(64) float q[kMaxGatheredHeadDim];
  for (size_t i = 0; i < hd; i += 16) {
    Store(q + i, Mul(LoadN(query + i, i + 16 <= job.head_dim ? 16 : job.head_dim - i), Set(job.scale)));
  }
  for (size_t p = 0; p < n; ++p) {
    const float* key = job.sequence->positions[p] + key_offset;
    VF sum = Mul(Load(q), Load(key));
    for (size_t i = 16; i < hd; i += 16) sum = Fma(Load(q + i), Load(key + i), sum);
    scores[p] = ReduceAdd(sum);
  }
  SoftmaxRow(scores, n);
  alignas(64) float out[kMaxGatheredHeadDim];
  for (size_t i = 0; i < hd; i += 16) {
    VF sum = Zero();
    for (size_t p = 0; p < n; ++p) {
      sum = Fma(Set(scores[p]), Load(job.sequence->positions[p] + value_offset + i), sum);
    }
    Store(out + i, sum);
  }
  float* to = job.out + head * job.head_dim;
  for (size_t i = 0; i < job.head_dim; ++i) to[i] = out[i];
}

}  // namespace
}  // namespace sotto
