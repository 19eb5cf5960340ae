// Compute: everything a forward pass calculates, on one instruction set and one team of threads.
//
// Matrices of tokens are row-major float [n_tokens, n]; rows lie without gaps unless a stride is named.
// Results do not depend on the number of tokens in a call, on the other tokens, or on the number of threads:
// bit for bit the same on one instruction set.
//
// A Compute owns its scratch memory and shares its threads or has some of its own. One thread at a time may
// use it, and only while it holds the turn of a team that others compute on too (nn/shared_team.h); several
// Computes may share matrices. Sizes, ids and positions are the caller's duty (SOTTO_CHECK where cheap).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "nn/isa.h"
#include "nn/kv_page.h"
#include "nn/shared_team.h"
#include "nn/weight_matrix.h"

namespace sotto {

struct KernelTable;

// What a quantised matrix is multiplied with. Float matrices always use float activations.
enum class ActivationMode {
  kInt8,   // each 32 columns of a token rounded to int8 with one float scale (as ggml's Q8_0): fast
  kFloat,  // weights expanded to float: within 1e-4 of the exact product
};

enum class RopePairing {
  kAdjacent,  // (2i, 2i+1): llama, mistral, granite
  kHalves,    // (i, i + n_rot/2): qwen2, qwen3, gemma2, phi3
};

struct RopeParams {
  RopePairing pairing = RopePairing::kHalves;
  size_t n_rot = 0;  // dimensions rotated at the start of each head; the rest stays. Even.
  double theta = 10000.0;
  double position_scale = 1.0;  // positions are multiplied by it (linear scaling: 1/factor)
  double magnitude = 1.0;       // multiplies cos and sin (attn_factor)
  std::vector<float> factors;   // n_rot/2 divisors of the frequencies, or empty
};

// cos and sin of a batch of positions: [n_positions, n_rot/2] each. Made once a forward pass.
struct RopeAngles {
  RopePairing pairing = RopePairing::kHalves;
  size_t n_rot = 0;
  std::vector<float> cos;
  std::vector<float> sin;
};
// Angles are computed in double, so that they hold for long contexts.
void ComputeRopeAngles(const RopeParams& params, std::span<const int32_t> positions, RopeAngles& angles);

// One output of MatMulMany: y [n_tokens, weights->n_rows()], rows `y_stride` floats apart (0: n_rows).
struct MatMulOutput {
  const WeightMatrix* weights = nullptr;
  float* y = nullptr;
  size_t y_stride = 0;
};

// The queries of one sequence within an attention call. Query t stands at position first_position + t.
struct AttentionSequence {
  std::span<const void* const>
      pages;  // one layer's pages of this sequence, covering positions [0, n_positions)
  size_t first_position = 0;
  size_t n_queries = 0;
  size_t n_positions = 0;  // positions filled, those of the queries included
};

struct AttentionParams {
  KvPageLayout layout;
  size_t n_heads = 0;  // a multiple of layout.n_kv_heads; head h reads kv head h / (n_heads / n_kv_heads)
  float scale = 1.0f;
  float softcap = 0.0f;  // 0: none; else cap * tanh(score / cap) before the mask
  size_t window = 0;     // 0: none; else a query at p sees positions q with p - q < window
  bool causal = true;    // false (encoders): every query sees all n_positions
};

// One query over the positions of its own list, which lie anywhere in memory: branches of a beam search share
// the positions of what they have in common.
struct GatheredSequence {
  std::span<const float* const> positions;
  // Floats from each position's pointer to its keys [n_heads][hd], followed by its values [n_heads][hd]. hd:
  // head_dim rounded up to a multiple of 16, the padding zero; aligned to 64 bytes.
  size_t offset = 0;
};

class Compute {
 public:
  // REQUIRES: isa in SupportedIsas(), n_threads >= 1.
  Compute(Isa isa, size_t n_threads);
  // On the threads of others. REQUIRES: `team` not null.
  Compute(Isa isa, std::shared_ptr<SharedTeam> team);
  ~Compute();
  Compute(const Compute&) = delete;
  Compute& operator=(const Compute&) = delete;

  Isa isa() const { return isa_; }
  SharedTeam& shared_team() { return *shared_team_; }
  ThreadTeam& team() { return team_; }

  // y[t, r] = sum over c of w[r, c] * x[t, c]. x and y must not overlap.
  void MatMul(const WeightMatrix& w, const float* x, size_t n_tokens, float* y, ActivationMode mode);
  // Several matrices with the same input (q, k, v; gate, up): one rounding of x and one fork-join for all.
  void MatMulMany(std::span<const MatMulOutput> outputs, const float* x, size_t n_tokens,
                  ActivationMode mode);
  // Only the rows `rows` (in any order, repetitions allowed): y [n_tokens, rows.size()]. The values are those
  // MatMul gives. Costs 16 rows of memory traffic for each group of 16 that a row falls into.
  void MatMulRows(const WeightMatrix& w, std::span<const int32_t> rows, const float* x, size_t n_tokens,
                  float* y, ActivationMode mode);

  // y = x / rms(x) * weight, per row of n; y may be x. `weight` null: no weight.
  void RmsNorm(const float* x, size_t n_rows, size_t n, const float* weight, float eps, float* y);
  // y = (x - mean) / sqrt(var + eps) * weight + bias; y may be x.
  void LayerNorm(const float* x, size_t n_rows, size_t n, const float* weight, const float* bias, float eps,
                 float* y);
  // In place on x [n_tokens, n_heads, head_dim], rows of tokens `stride` floats apart (0: n_heads *
  // head_dim). REQUIRES: angles made for n_tokens positions, angles.n_rot <= head_dim.
  void Rope(const RopeAngles& angles, float* x, size_t n_tokens, size_t n_heads, size_t head_dim,
            size_t stride = 0);

  // y = silu(gate) * up and y = gelu_tanh(gate) * up, n_rows of n; rows `gate_stride` / `up_stride` apart (0:
  // n); y may be gate.
  void SiluMul(const float* gate, const float* up, size_t n_rows, size_t n, float* y, size_t gate_stride = 0,
               size_t up_stride = 0);
  void GeluMul(const float* gate, const float* up, size_t n_rows, size_t n, float* y, size_t gate_stride = 0,
               size_t up_stride = 0);
  // In place.
  void Gelu(float* x, size_t n_rows, size_t n);  // tanh form
  // The exact form, x/2 (1 + erf(x / sqrt 2)) within 1e-6, of x + bias; `bias` [n] or null.
  void GeluErf(float* x, const float* bias, size_t n_rows, size_t n);
  void Tanh(float* x, size_t n_rows, size_t n);
  void Sigmoid(float* x, size_t n_rows, size_t n);
  // One group over all rows and columns: y = (x - mean) / sqrt(var + eps) * weight + bias, weight and bias
  // [n] for the columns. In place.
  void GroupNorm(float* x, size_t n_rows, size_t n, const float* weight, const float* bias, float eps);
  // out[r] = log(sum(exp(x[r]))).
  void LogSumExp(const float* x, size_t n_rows, size_t n, float* out);

  // Softmax in place; each row for itself.
  void Softmax(float* x, size_t n_rows, size_t n);
  // x = cap * tanh(x / cap).
  void Softcap(float* x, size_t n, float cap);
  // y += x; y += a * x; x *= a; each row of y += bias.
  void Add(const float* x, size_t n, float* y);
  void Axpy(float a, const float* x, size_t n, float* y);
  void Scale(float a, size_t n, float* x);
  void AddBias(const float* bias, size_t n_rows, size_t n, float* y, size_t stride = 0);

  // Stores the keys and values [n, n_kv_heads, head_dim] of the positions first_position .. first_position +
  // n - 1 into `pages`, one layer's pages of one sequence; rows of tokens `stride` floats apart (0:
  // n_kv_heads * head_dim).
  void WriteKv(const KvPageLayout& layout, std::span<void* const> pages, size_t first_position, size_t n,
               const float* keys, const float* values, size_t stride = 0);
  // queries, out: [sum of n_queries, n_heads, head_dim], sequence after sequence; rows of queries
  // `query_stride` floats apart (0: n_heads * head_dim). Keys and values of the queries themselves must be in
  // the pages already.
  void Attention(const AttentionParams& params, std::span<const AttentionSequence> sequences,
                 const float* queries, float* out, size_t query_stride = 0);
  // queries, out: [sequences.size(), n_heads, head_dim], one query a sequence. REQUIRES: head_dim <= 256,
  // every sequence has a position.
  void GatheredAttention(size_t n_heads, size_t head_dim, float scale,
                         std::span<const GatheredSequence> sequences, const float* queries, float* out);

 private:
  struct Scratch;

  Isa isa_;
  const KernelTable* table_;
  std::shared_ptr<SharedTeam> shared_team_;
  ThreadTeam& team_;  // of shared_team_
  std::unique_ptr<Scratch> scratch_;
};

// Bytes per second that the team reads from memory: the best of a few passes over `size_bytes` of fresh
// memory. Takes tens of milliseconds.
double MeasureReadBandwidth(ThreadTeam& team, size_t size_bytes = size_t{256} << 20);

}  // namespace sotto
