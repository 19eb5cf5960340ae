// The functions that are compiled once per instruction set, and the jobs they take. Private to nn and its
// tests: other layers use Compute.
//
// A kernel runs on the calling thread, allocates nothing and writes only what its job names. Source and
// flags: kernels_<isa>.cc includes one simd_<isa>.h and the kernel source (matmul_kernels.h,
// vector_kernels.h, attention_kernels.h), all of it in an anonymous namespace, so that no code of a higher
// level leaks into a lower one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/compute.h"

namespace sotto {

// Tokens rounded to int8 in blocks of 32 columns: x = d * q. For token t: q + t * n_cols, the others + t *
// n_cols / 32 (sum16: / 16).
struct Int8Tokens {
  int8_t* q;
  float* d;
  float* dsum;     // d * sum of the block's q
  int32_t* sum16;  // sums of q over 16 columns
};

struct MatMulJob {
  DType type;
  const std::byte* groups;  // group g at groups + g * group_bytes
  size_t group_bytes;
  size_t n_rows;
  size_t n_cols;
  size_t n_tokens;
  const float* x;  // float products: [n_tokens, n_cols]
  Int8Tokens x8;   // int8 products
  const int32_t*
      init;  // int8: -offset * (sums of x8.q over 32, for Q6_K over 16 columns); null where the offset is 0
  float* y;
  size_t y_stride;
};

struct AttentionJob {
  const AttentionParams* params;
  const AttentionSequence* sequence;
  const float* queries;  // of the sequence's first query
  size_t query_stride;
  float* out;  // [n_queries, n_heads, head_dim]
};

struct GatheredJob {
  const GatheredSequence* sequence;
  size_t n_heads;
  size_t head_dim;
  size_t padded_head_dim;
  float scale;
  const float* query;  // [n_heads, head_dim]
  float* out;          // [n_heads, head_dim]
};
inline constexpr size_t kMaxGatheredHeadDim = 256;

struct KernelTable {
  // What is added to the quants of a type in the packed layout, as Int8 products see them: Q8_0 128, Q4_0 8,
  // ...
  int32_t (*offset)(DType type);
  void (*quantize_tokens)(const float* x, size_t n_tokens, size_t n_cols, Int8Tokens out);
  // Groups [first, last) of the job. Scratch: kMatMulScratchBytes, aligned to 64.
  void (*matmul_int8)(const MatMulJob& job, size_t first, size_t last, std::byte* scratch);
  void (*matmul_float)(const MatMulJob& job, size_t first, size_t last, std::byte* scratch);

  // Queries [first, last) of the job for the heads of one kv head. REQUIRES: last - first <=
  // kAttentionQueries. Scratch: AttentionScratchBytes, aligned to 64.
  void (*attention)(const AttentionJob& job, size_t kv_head, size_t first, size_t last, std::byte* scratch);
  // One kv head of positions [first_position, first_position + n).
  void (*write_kv)(const KvPageLayout& layout, void* const* pages, size_t first_position, size_t n,
                   size_t kv_head, const float* keys, const float* values, size_t stride);

  void (*rms_norm)(const float* x, size_t n, const float* weight, float eps, float* y);
  void (*layer_norm)(const float* x, size_t n, const float* weight, const float* bias, float eps, float* y);
  // One head.
  void (*rope)(RopePairing pairing, const float* cos, const float* sin, size_t n_rot, float* x);
  void (*silu_mul)(const float* gate, const float* up, size_t n, float* y);
  void (*gelu_mul)(const float* gate, const float* up, size_t n, float* y);  // up null: gelu alone
  void (*softmax)(float* x, size_t n);
  void (*softcap)(float* x, size_t n, float cap);
  void (*axpy)(float a, const float* x, size_t n, float* y);
  void (*scale)(float a, size_t n, float* x);
  // y = gelu(x + bias) with erf, bias null: none; tanh; sigmoid. y may be x.
  void (*gelu_erf)(const float* x, const float* bias, size_t n, float* y);
  void (*tanh)(const float* x, size_t n, float* y);
  void (*sigmoid)(const float* x, size_t n, float* y);
  float (*sum)(const float* x, size_t n);
  float (*square_deviation)(const float* x, size_t n, float mean);
  // y = (x - mean) * inverse * weight + bias.
  void (*normalise)(const float* x, size_t n, float mean, float inverse, const float* weight,
                    const float* bias, float* y);
  float (*log_sum_exp)(const float* x, size_t n);
  // One head of one query; `scores` has room for its positions.
  void (*gathered_attention)(const GatheredJob& job, size_t head, float* scores);
  // Reads size_bytes (a multiple of 128) at `data` and nothing else.
  void (*read)(const std::byte* data, size_t size_bytes);
};

// Columns that the int8 and float kernels take at a time.
inline constexpr size_t kPanelColumns = 1024;
inline constexpr size_t kPanelGroups = 4;
// Unpacked quants (or floats) and scales of kPanelGroups groups.
inline constexpr size_t kMatMulScratchBytes =
    kPanelGroups *
    (kPanelColumns * kRowGroup * sizeof(float) + kPanelColumns / 16 * kRowGroup * 2 * sizeof(float));

inline constexpr size_t kAttentionQueries = 32;
size_t AttentionScratchBytes(const AttentionParams& params);

// Static tables, there for every level this build contains; null for the others.
const KernelTable* KernelsOf(Isa isa);

const KernelTable& ScalarKernels();
const KernelTable& Avx2Kernels();
const KernelTable& Avx512Kernels();
const KernelTable& AmxKernels();

}  // namespace sotto
