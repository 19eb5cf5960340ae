// The weights of a model, packed for the kernels, and where they come from.
//
// A TensorSource is a GGUF file or a generator of random weights; BuildWeights checks names and shapes
// against the configuration and packs matrix by matrix, giving each back to the source before the next, so
// that the peak of memory is the packed model and one matrix. ModelWeights is immutable after loading: any
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "nn/thread_team.h"
#include "nn/weight_matrix.h"
#include "slm/gguf.h"
#include "slm/model_config.h"

namespace sotto {

// Of three short pieces of a tensor: tells models apart without reading them.
uint64_t SampledHash(std::span<const std::byte> tensor, uint64_t hash);

class TensorSource {
 public:
  virtual ~TensorSource() = default;
  // Name for errors.
  virtual const std::string& path() const = 0;
  // nullptr: not there. `data` of the returned tensor is only valid between Acquire and Release.
  virtual const GgufTensor* Find(std::string_view name) const = 0;
  virtual std::span<const std::byte> Acquire(const GgufTensor& tensor) = 0;
  virtual void Release(const GgufTensor& tensor) = 0;
};

// Tensors of a file; released ones leave the resident set of the process.
class GgufTensorSource final : public TensorSource {
 public:
  explicit GgufTensorSource(const GgufFile& gguf) : gguf_(gguf) {}
  const std::string& path() const override { return gguf_.path(); }
  const GgufTensor* Find(std::string_view name) const override { return gguf_.FindTensor(name); }
  std::span<const std::byte> Acquire(const GgufTensor& tensor) override { return tensor.data; }
  void Release(const GgufTensor& tensor) override;

 private:
  const GgufFile& gguf_;
};

// The matrices of a layer that an adapter may change. Shapes are [rows, columns] = [d_out, d_in].
enum class LayerMatrix {
  kAttnQ,       // [d_q, d_model]
  kAttnK,       // [d_kv, d_model]
  kAttnV,       // [d_kv, d_model]
  kAttnQkv,     // fused: [d_q + 2 d_kv, d_model]
  kAttnOutput,  // [d_model, d_q]
  kFfnGate,     // [d_ff, d_model]
  kFfnUp,       // [d_ff, d_model]; fused: [2 d_ff, d_model]
  kFfnDown,     // [d_model, d_ff]
};
inline constexpr int kNumLayerMatrices = 8;

// "attn_q": the part of the tensor's name between "blk.N." and ".weight". Static storage.
std::string_view LayerMatrixName(LayerMatrix matrix);

// Vectors are empty where the architecture or the file has none.
struct LayerWeights {
  std::optional<WeightMatrix> matrices[kNumLayerMatrices];

  std::vector<float> attn_norm;       // [d_model]
  std::vector<float> ffn_norm;        // [d_model]
  std::vector<float> post_attn_norm;  // [d_model]
  std::vector<float> post_ffn_norm;   // [d_model]
  std::vector<float> q_norm;          // [head_dim]
  std::vector<float> k_norm;          // [head_dim]
  std::vector<float> qkv_bias;        // [d_q + 2 d_kv], zero where the file has none of the three
  std::vector<float> output_bias;     // [d_model]
  std::vector<float> up_bias;         // [d_ff]
  std::vector<float> down_bias;       // [d_model]
  // Encoder (bert): LayerNorm behind attention and feed-forward.
  std::vector<float> attn_output_norm, attn_output_norm_bias;    // [d_model]
  std::vector<float> layer_output_norm, layer_output_norm_bias;  // [d_model]

  const WeightMatrix* matrix(LayerMatrix which) const {
    const auto& found = matrices[static_cast<int>(which)];
    return found ? &*found : nullptr;
  }
};

struct ModelWeights {
  std::optional<WeightMatrix> token_embedding;  // [n_vocab, d_model]
  std::optional<WeightMatrix> output;           // [n_vocab, d_model]; none: the embedding is used
  std::vector<float> output_norm;               // [d_model]; empty for encoders
  std::vector<float> rope_factors;              // [rope_dims / 2] divisors; empty: none
  std::vector<LayerWeights> layers;
  // Encoder.
  std::vector<float> position_embedding;  // [n_ctx_train, d_model]
  std::vector<float> token_type;          // [d_model]: row 0
  std::vector<float> embedding_norm, embedding_norm_bias;

  const WeightMatrix& output_matrix() const { return output ? *output : *token_embedding; }

  // Filled while building: bytes in the file of all tensors, and of those that one decoded token reads.
  uint64_t weight_bytes = 0;
  uint64_t decode_bytes = 0;
  // FNV-1a over names, shapes, types and a sample of each tensor's bytes.
  uint64_t fingerprint = 0;
};

// Errors name the file and the tensor: missing (all missing ones are listed), wrong shape, type not
// supported.
Result<std::unique_ptr<const ModelWeights>> BuildWeights(const ModelConfig& config, TensorSource& source,
                                                         ThreadTeam& team);

// [rows, columns] that a layer's matrix must have; nullopt: this architecture has no such matrix.
struct MatrixShape {
  int rows;
  int columns;
};
std::optional<MatrixShape> LayerMatrixShape(const ModelConfig& config, LayerMatrix matrix);

// The tensor as floats; n_elements must be the product of its shape.
Result<std::vector<float>> TensorToFloats(const GgufTensor& tensor, std::span<const std::byte> data,
                                          std::string_view path);

}  // namespace sotto
