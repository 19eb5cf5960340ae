// The fused loops of the trainer that are not matrix products: norms, attention, SwiGLU, cross entropy.
// Forward and backward of each, hand-written, because between products of AMX speed every extra pass over
// memory shows.
//
// Element type T is what products compute in: Bf16 or float. Residual stream, gains, gradients of gains and
// softmax statistics are always float. All rows are dense; widths are multiples of 16. Everything here is
// single-threaded: workers call it side by side on their own buffers. kernels.cc is built once per
// instruction set and the best one is picked at first use.
//
// Attention is per sequence and causal, scores never leave the cache: the forward keeps one log-sum-exp a row
// and the backward recomputes (FlashAttention, arXiv:2205.14135). In Bf16 on AMX its products are tiles.
// Architecture as in Qwen3: RMSNorm on each query and key head, then rotary embedding on halves.
#pragma once

#include <cstdint>
#include <span>

#include "nn/isa.h"

namespace sotto {

struct Bf16 {
  uint16_t bits;
};

struct AttentionShape {
  int n_heads = 0;
  int n_kv_heads = 0;
  int head_dim = 0;                // 32, 64 or 128
  float eps = 1e-6f;               // of the head norms
  const float* cosines = nullptr;  // [position][head_dim / 2]
  const float* sines = nullptr;
  const float* q_gain = nullptr;  // [head_dim]
  const float* k_gain = nullptr;
  int row_size() const { return (n_heads + 2 * n_kv_heads) * head_dim; }
};

// A row's outcome in CrossEntropy.
struct RowScore {
  float loss = 0;         // -log p(target), unweighted
  float probability = 0;  // of the target
  float top = 0;          // of the most likely token
  bool hit = false;       // the target is the most likely token
};

template <typename T>
struct KernelTable {
  // x_out = x_in + y (y may be null), h = x_out / rms(x_out) * gain; inverse[i] = 1 / rms. x_out may be x_in.
  void (*residual_norm)(const float* x_in, const T* y, const float* gain, float* x_out, T* h, float* inverse,
                        int n, int d, float eps);
  // dx += gradient through the norm of dh; dx_low = dx as T when not null; d_gain accumulates.
  void (*residual_norm_backward)(const T* dh, const float* x, const float* gain, const float* inverse,
                                 float* dx, T* dx_low, float* d_gain, int n, int d);
  // qkv [n][row_size], out [n][n_heads * head_dim], lse [n][n_heads]; starts has one entry more than
  // sequences.
  void (*attention)(const AttentionShape& shape, std::span<const int> starts, const T* qkv, T* out,
                    float* lse);
  void (*attention_backward)(const AttentionShape& shape, std::span<const int> starts, const T* qkv,
                             const T* out, const float* lse, const T* d_out, T* d_qkv, float* d_q_gain,
                             float* d_k_gain);
  // gate_up [n][2 * d_ff]: gate first. out [n][d_ff] = silu(gate) * up.
  void (*swiglu)(const T* gate_up, T* out, int n, int d_ff);
  void (*swiglu_backward)(const T* gate_up, const T* d_out, T* d_gate_up, int n, int d_ff);
  // Replaces logits [n][v] by the gradient of sum(weight[i] * loss_i), where weight is already normalised;
  // rows of weight 0 get a zero gradient. `stride` >= v is the row pitch.
  void (*cross_entropy)(T* logits, int n, int v, int stride, const int32_t* target, const float* weight,
                        RowScore* score);
  // Kullback-Leibler gradient towards given teacher probabilities: logits [n][v] become weight * (softmax -
  // teacher).
  void (*distill)(T* logits, const float* teacher, int n, int v, int stride, const float* weight,
                  float* loss);
  void (*convert)(const float* from, T* to, int64_t n);
  void (*accumulate)(const T* from, float* to, int64_t n);
};

// Element-wise work of the optimiser, each in one pass over memory.
struct OptimizerKernels {
  double (*sum_of_squares)(const float* x, int64_t n);
  // Nesterov momentum: m = mu m + (1 - mu) g; out = mu m + (1 - mu) g.
  void (*nesterov)(const float* g, float* m, float* out, int64_t n, float mu);
  // w = keep * w + scale * direction.
  void (*move)(const Bf16* direction, float* w, int64_t n, float scale, float keep);
  // Adam on g * scale: the two moments, then w -= rate * m / (sqrt(v) * inverse_root2 + 1e-8), where rate has
  // the first moment's correction in it and inverse_root2 is 1 / sqrt of the second's.
  struct Adam {
    float scale, beta1, beta2, rate, inverse_root2;
  };
  void (*adam)(const float* g, float* m, float* v, float* w, int64_t n, const Adam& adam);
};

// The tables of one level. REQUIRES: a supported one (nn/isa.h); others fall back to portable code.
struct TrainerKernels {
  const KernelTable<float>& of_float;
  const KernelTable<Bf16>& of_bf16;
  const OptimizerKernels& of_optimizer;
};
TrainerKernels TrainerKernelsOf(Isa isa);

// Those of the best level of this machine, or of the one that SOTTO_ISA names.
template <typename T>
const KernelTable<T>& Kernels();
const OptimizerKernels& KernelsOfOptimizer();

}  // namespace sotto
