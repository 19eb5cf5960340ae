// The decoder that is trained: Qwen3's architecture (RMSNorm before attention and feed-forward, RMSNorm on
// each query and key head, rotary halves, grouped key/value heads, SwiGLU, tied embeddings), with its
// backward pass written out.
//
// Weights are float32 masters in one flat buffer (`Weights`), each matrix [out][in] as in GGUF, fused where
// the products are larger that way: qkv [q | k | v rows], gate_up [gate | up rows]. A `Pass` is one worker's
// view: its copy of the weights in the compute type (bf16 or float), activations, and its own gradient
// buffer. Several passes may run side by side on one Weights as long as nobody changes it. Products are
// libtorch's (oneDNN, OpenBLAS), everything else is trainer/kernels.h.
//
// A batch is whole sequences one after the other; positions start at 0 in each. Logits are computed only for
// the rows that carry loss.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "trainer/kernels.h"

namespace sotto {

struct DecoderShape {
  int n_vocab = 0;
  int d_model = 224;
  int n_layers = 6;
  int n_heads = 7;
  int n_kv_heads = 1;
  int head_dim = 32;
  int d_ff = 608;
  int n_ctx = 2048;
  float norm_eps = 1e-6f;
  float rope_theta = 10000;

  int d_q() const { return n_heads * head_dim; }
  int d_qkv() const { return (n_heads + 2 * n_kv_heads) * head_dim; }
  int64_t ParameterCount() const;
  // What is wrong with it, or nothing.
  Result<void> Validate() const;
  bool operator==(const DecoderShape&) const = default;
};

// One parameter's place in the flat buffer.
struct ParameterView {
  std::string name;  // as the GGUF tensor, fused ones as "blk.0.attn_qkv.weight", "blk.0.ffn_gate_up.weight"
  int64_t offset = 0;
  int64_t rows = 1;  // 1 for gains
  int64_t columns = 0;
  bool matrix = false;  // trained by Muon: hidden matrices, not the embedding
  int64_t size() const { return rows * columns; }
};

struct LayerViews {
  size_t attn_norm, qkv, q_norm, k_norm, attn_out, ffn_norm, gate_up, down;
};

class Weights {
 public:
  // All zero but the gains, which are 1.
  explicit Weights(const DecoderShape& shape);
  void Initialise(Random& random);

  const DecoderShape& shape() const { return shape_; }
  std::span<const ParameterView> parameters() const { return parameters_; }
  const LayerViews& layer(int i) const { return layers_[static_cast<size_t>(i)]; }
  size_t embedding() const { return 0; }
  size_t final_norm() const { return parameters_.size() - 1; }
  const ParameterView& view(size_t parameter) const { return parameters_[parameter]; }
  float* data(size_t parameter) { return flat_.data_ptr<float>() + parameters_[parameter].offset; }
  const float* data(size_t parameter) const {
    return flat_.data_ptr<float>() + parameters_[parameter].offset;
  }
  at::Tensor& flat() { return flat_; }
  const at::Tensor& flat() const { return flat_; }

 private:
  size_t Add(std::string name, int64_t rows, int64_t columns, bool matrix);

  DecoderShape shape_;
  std::vector<ParameterView> parameters_;
  std::vector<LayerViews> layers_;
  at::Tensor flat_;
};

// Whole sequences, packed. `rows` are the positions whose next token carries loss, ascending.
struct Batch {
  std::vector<int32_t> tokens;
  std::vector<int> starts{0};  // of each sequence, and the end
  std::vector<int> rows;
  std::vector<int32_t> targets;  // the next token of each row
  std::vector<float> weights;    // of each row's loss
  int n_tokens() const { return static_cast<int>(tokens.size()); }
  double weight_sum() const;
};

class Pass {
 public:
  virtual ~Pass() = default;
  // Takes over weights changed since (the copy in the compute type).
  virtual void Refresh(const Weights& weights) = 0;
  // One score a row of the batch, and the logits where `logits` is not null ([rows][n_vocab], float).
  virtual std::vector<RowScore> Forward(const Weights& weights, const Batch& batch,
                                        at::Tensor* logits = nullptr) = 0;
  // Forward and backward: adds the gradient of sum(weights * loss) * scale to gradients().
  virtual std::vector<RowScore> Train(const Weights& weights, const Batch& batch, float scale) = 0;
  // Forward and backward towards a teacher's probabilities ([rows][n_vocab]), mixed with the labels:
  // share * KL + (1 - share) * cross entropy.
  virtual std::vector<RowScore> TrainTowards(const Weights& weights, const Batch& batch,
                                             const at::Tensor& teacher, float share, float scale) = 0;
  // Flat, laid out as Weights::flat().
  virtual at::Tensor& gradients() = 0;
  // The time spent in matrix products so far, and their floating point operations.
  struct ProductTime {
    double seconds = 0;
    double operations = 0;
  };
  virtual ProductTime product_time() const = 0;

  enum class Precision { kBf16, kF32 };
  static std::unique_ptr<Pass> Create(const DecoderShape& shape, Precision precision);
};

}  // namespace sotto
