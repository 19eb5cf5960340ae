#include <cmath>
#include <numbers>

#include "trainer/decoder.h"

namespace sotto {

int64_t DecoderShape::ParameterCount() const {
  const int64_t layer = int64_t{d_model} * d_qkv() + int64_t{d_q()} * d_model + 3 * int64_t{d_model} * d_ff +
                        2 * d_model + 2 * head_dim;
  return layer * n_layers + int64_t{n_vocab} * d_model + d_model;
}

Result<void> DecoderShape::Validate() const {
  if (d_model <= 0 || d_model % 32 != 0) {
    return MakeError(ErrorCode::kInvalidArgument, "d_model {} is not a multiple of 32", d_model);
  }
  if (d_ff <= 0 || d_ff % 32 != 0) {
    return MakeError(ErrorCode::kInvalidArgument, "d_ff {} is not a multiple of 32", d_ff);
  }
  if (head_dim != 32 && head_dim != 64 && head_dim != 128) {
    return MakeError(ErrorCode::kInvalidArgument, "head_dim {}: 32, 64 or 128", head_dim);
  }
  if (n_heads <= 0 || n_kv_heads <= 0 || n_heads % n_kv_heads != 0) {
    return MakeError(ErrorCode::kInvalidArgument, "{} heads do not divide into {} key/value heads", n_heads,
                     n_kv_heads);
  }
  if (n_layers <= 0 || n_ctx <= 0 || n_vocab <= 0) {
    return MakeError(ErrorCode::kInvalidArgument, "layers, context and vocabulary must be positive");
  }
  return {};
}

Weights::Weights(const DecoderShape& shape) : shape_(shape) {
  Add("token_embd.weight", shape.n_vocab, shape.d_model, false);
  for (int i = 0; i < shape.n_layers; ++i) {
    const std::string prefix = fmt::format("blk.{}.", i);
    LayerViews layer{};
    layer.attn_norm = Add(prefix + "attn_norm.weight", 1, shape.d_model, false);
    layer.qkv = Add(prefix + "attn_qkv.weight", shape.d_qkv(), shape.d_model, true);
    layer.q_norm = Add(prefix + "attn_q_norm.weight", 1, shape.head_dim, false);
    layer.k_norm = Add(prefix + "attn_k_norm.weight", 1, shape.head_dim, false);
    layer.attn_out = Add(prefix + "attn_output.weight", shape.d_model, shape.d_q(), true);
    layer.ffn_norm = Add(prefix + "ffn_norm.weight", 1, shape.d_model, false);
    layer.gate_up = Add(prefix + "ffn_gate_up.weight", 2 * shape.d_ff, shape.d_model, true);
    layer.down = Add(prefix + "ffn_down.weight", shape.d_model, shape.d_ff, true);
    layers_.push_back(layer);
  }
  Add("output_norm.weight", 1, shape.d_model, false);
  const ParameterView& last = parameters_.back();
  flat_ = at::zeros({last.offset + last.size()}, at::kFloat);
  for (const ParameterView& p : parameters_) {
    if (!p.matrix && p.rows == 1) flat_.narrow(0, p.offset, p.size()).fill_(1.0);
  }
}

size_t Weights::Add(std::string name, int64_t rows, int64_t columns, bool matrix) {
  int64_t offset = 0;
  if (!parameters_.empty()) {
    offset = parameters_.back().offset + parameters_.back().size();
    offset = (offset + 15) / 16 * 16;  // rows of whole cache lines
  }
  parameters_.push_back({std::move(name), offset, rows, columns, matrix});
  return parameters_.size() - 1;
}

void Weights::Initialise(Random& random) {
  const auto normal = [&random] {
    const double u = 1.0 - random.Uniform();
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * random.Uniform());
  };
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const ParameterView& p = parameters_[i];
    if (p.rows == 1) continue;
    // Residual writers start small, so that depth does not amplify.
    double scale = p.matrix ? 1 / std::sqrt(static_cast<double>(p.columns)) : 0.02;
    const bool writer =
        p.name.find("attn_output") != std::string::npos || p.name.find("down") != std::string::npos;
    if (writer) scale /= std::sqrt(2.0 * shape_.n_layers);
    float* to = data(i);
    for (int64_t j = 0; j < p.size(); ++j) to[j] = static_cast<float>(normal() * scale);
  }
}

double Batch::weight_sum() const {
  double sum = 0;
  for (const float w : weights) sum += w;
  return sum;
}

}  // namespace sotto
