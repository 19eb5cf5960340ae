#include "slm/transformer.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "slm/lora_weights.h"

namespace sotto {
namespace {

AlignedBuffer FloatBuffer(size_t rows, size_t columns) {
  return AlignedBuffer(rows * columns * sizeof(float));
}

RopeParams MakeRope(const ModelConfig& config, const ModelWeights& weights) {
  RopeParams rope;
  rope.pairing = config.rope_pairs == RopePairs::kAdjacent ? RopePairing::kAdjacent : RopePairing::kHalves;
  rope.n_rot = static_cast<size_t>(config.rope_dims);
  rope.theta = static_cast<double>(config.rope_theta);
  rope.position_scale = static_cast<double>(config.rope_freq_scale);
  rope.magnitude = static_cast<double>(config.rope_attn_factor);
  rope.factors = weights.rope_factors;
  return rope;
}

size_t GateUpWidth(const ModelConfig& config) {
  const auto d_ff = static_cast<size_t>(config.d_ff);
  if (config.is_encoder()) return d_ff;
  // The product of a fused matrix cannot be written over its own rows.
  return config.fused_gate_up ? 3 * d_ff : 2 * d_ff;
}

}  // namespace

Transformer::Transformer(const Model& model, const KvLayout& layout, Isa isa,
                         std::shared_ptr<SharedTeam> team, size_t max_tokens)
    : config_(model.config()),
      weights_(model.weights()),
      mode_(model.load_options().activations == ActivationType::kInt8 ? ActivationMode::kInt8
                                                                      : ActivationMode::kFloat),
      d_(static_cast<size_t>(config_.d_model)),
      d_q_(static_cast<size_t>(config_.d_q())),
      d_kv_(static_cast<size_t>(config_.d_kv())),
      d_ff_(static_cast<size_t>(config_.d_ff)),
      max_tokens_(max_tokens),
      compute_(isa, std::move(team)),
      rope_(MakeRope(config_, weights_)),
      x_(FloatBuffer(max_tokens, d_)),
      normed_(FloatBuffer(max_tokens, d_)),
      qkv_(FloatBuffer(max_tokens, d_q_ + 2 * d_kv_)),
      attended_(FloatBuffer(max_tokens, d_q_)),
      gate_up_(FloatBuffer(max_tokens, GateUpWidth(config_))),
      update_(FloatBuffer(max_tokens, std::max(d_, d_q_))) {
  attention_.layout = layout.layer;
  attention_.n_heads = static_cast<size_t>(config_.n_heads);
  attention_.scale = config_.attention_scale;
  attention_.softcap = config_.attention_softcap;
  attention_.causal = config_.causal;
  q_ = qkv();
  k_ = q_ + (config_.fused_qkv ? d_q_ : max_tokens * d_q_);
  v_ = k_ + (config_.fused_qkv ? d_kv_ : max_tokens * d_kv_);
  q_stride_ = config_.fused_qkv ? d_q_ + 2 * d_kv_ : d_q_;
  kv_stride_ = config_.fused_qkv ? d_q_ + 2 * d_kv_ : d_kv_;
  positions_.reserve(max_tokens);
  output_rows_.reserve(max_tokens);
}

void Transformer::PrepareBatch(std::span<const BatchSequence> batch) {
  positions_.clear();
  page_pointers_.clear();
  sequences_.clear();
  output_rows_.clear();
  lora_runs_.clear();
  output_lora_runs_.clear();
  const auto extend = [](std::vector<LoraRun>& runs, size_t first, size_t count, const LoraAdapter* adapter) {
    if (adapter == nullptr) return;
    if (!runs.empty() && runs.back().adapter == adapter && runs.back().first + runs.back().count == first) {
      runs.back().count += count;
    } else {
      runs.push_back({first, count, adapter});
    }
  };
  constexpr size_t kPageTokens = KvLayout::kPageTokens;
  for (const BatchSequence& sequence : batch) {
    const auto start = static_cast<size_t>(sequence.cache->size());
    const size_t count = sequence.tokens.size();
    const std::span<const KvPage> pages = sequence.cache->pages();
    SOTTO_CHECK(count > 0 && start + count <= pages.size() * kPageTokens);
    extend(lora_runs_, positions_.size(), count, sequence.lora);
    extend(output_lora_runs_, output_rows_.size(), sequence.n_outputs(), sequence.lora);
    for (size_t i = 0; i < count; ++i) {
      if (i + sequence.n_outputs() >= count) output_rows_.push_back(static_cast<uint32_t>(positions_.size()));
      positions_.push_back(static_cast<int32_t>(start + i));
    }
    sequences_.push_back({{}, start, count, start + count});
    for (const KvPage& page : pages) page_pointers_.push_back(page.data());
  }
  n_tokens_ = positions_.size();
  SOTTO_CHECK(n_tokens_ <= max_tokens_, "{} tokens in a batch of {}", n_tokens_, max_tokens_);
  size_t next = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    const size_t count = batch[i].cache->pages().size();
    sequences_[i].pages = std::span(page_pointers_).subspan(next, count);
    next += count;
  }
  Embed(batch);
}

void Transformer::Embed(std::span<const BatchSequence> batch) {
  size_t row = 0;
  for (const BatchSequence& sequence : batch) {
    compute_.team().ParallelFor(sequence.tokens.size(), 16, [&](size_t begin, size_t end, size_t) {
      for (size_t i = begin; i < end; ++i) {
        weights_.token_embedding->Row(static_cast<size_t>(sequence.tokens[i]),
                                      std::span(x() + (row + i) * d_, d_));
      }
    });
    row += sequence.tokens.size();
  }
  if (config_.embedding_scale != 1) compute_.Scale(config_.embedding_scale, n_tokens_ * d_, x());
}

std::span<const float> Transformer::Decode(std::span<const BatchSequence> batch) {
  PrepareBatch(batch);
  ComputeRopeAngles(rope_, positions_, angles_);
  Rows rows{n_tokens_, lora_runs_};
  for (int index = 0; index < config_.n_layers; ++index) {
    const LayerWeights& layer = weights_.layers[static_cast<size_t>(index)];
    compute_.RmsNorm(x(), rows.count, d_, layer.attn_norm.data(), config_.norm_eps, normed());
    Qkv(layer, index, rows);
    PointAtLayer(batch, index);
    WriteKv();
    // Behind the last layer's keys and values only the rows that somebody wants matter.
    const bool gather = index + 1 == config_.n_layers && output_rows_.size() < n_tokens_;
    Attend(batch, index, gather);
    if (gather) {
      GatherOutputs();
      rows = {output_rows_.size(), output_lora_runs_};
    }
    AttentionOutput(layer, index, rows);
    FeedForward(layer, index, rows);
    compute_.shared_team().LetOthers();
  }
  compute_.RmsNorm(x(), rows.count, d_, weights_.output_norm.data(), config_.norm_eps, normed());
  return {normed(), rows.count * d_};
}

void Transformer::Qkv(const LayerWeights& layer, int index, const Rows& rows) {
  Tell(index, config_.fused_qkv ? LayerMatrix::kAttnQkv : LayerMatrix::kAttnQ, normed(), rows, d_);
  if (const WeightMatrix* fused = layer.matrix(LayerMatrix::kAttnQkv)) {
    compute_.MatMul(*fused, normed(), rows.count, q_, mode_);
    AddLora(rows.loras, index, LayerMatrix::kAttnQkv, normed(), d_, q_, q_stride_);
  } else {
    const MatMulOutput outputs[] = {{layer.matrix(LayerMatrix::kAttnQ), q_, q_stride_},
                                    {layer.matrix(LayerMatrix::kAttnK), k_, kv_stride_},
                                    {layer.matrix(LayerMatrix::kAttnV), v_, kv_stride_}};
    compute_.MatMulMany(outputs, normed(), rows.count, mode_);
    AddLora(rows.loras, index, LayerMatrix::kAttnQ, normed(), d_, q_, q_stride_);
    AddLora(rows.loras, index, LayerMatrix::kAttnK, normed(), d_, k_, kv_stride_);
    AddLora(rows.loras, index, LayerMatrix::kAttnV, normed(), d_, v_, kv_stride_);
  }
  if (!layer.qkv_bias.empty()) {
    const float* bias = layer.qkv_bias.data();
    compute_.AddBias(bias, rows.count, d_q_, q_, q_stride_);
    compute_.AddBias(bias + d_q_, rows.count, d_kv_, k_, kv_stride_);
    compute_.AddBias(bias + d_q_ + d_kv_, rows.count, d_kv_, v_, kv_stride_);
  }
  const auto n_heads = static_cast<size_t>(config_.n_heads);
  const auto n_kv_heads = static_cast<size_t>(config_.n_kv_heads);
  const auto head_dim = static_cast<size_t>(config_.head_dim);
  if (config_.qk_norm) {
    compute_.RmsNorm(q_, rows.count * n_heads, head_dim, layer.q_norm.data(), config_.norm_eps, q_);
    compute_.RmsNorm(k_, rows.count * n_kv_heads, head_dim, layer.k_norm.data(), config_.norm_eps, k_);
  }
  if (config_.rope_pairs != RopePairs::kNone) {
    compute_.Rope(angles_, q_, rows.count, n_heads, head_dim, q_stride_);
    compute_.Rope(angles_, k_, rows.count, n_kv_heads, head_dim, kv_stride_);
  }
}

void Transformer::PointAtLayer(std::span<const BatchSequence> batch, int index) {
  const size_t offset = attention_.layout.page_bytes() * static_cast<size_t>(index);
  size_t next = 0;
  for (const BatchSequence& sequence : batch) {
    for (const KvPage& page : sequence.cache->pages()) page_pointers_[next++] = page.data() + offset;
  }
}

void Transformer::WriteKv() {
  size_t row = 0;
  size_t next = 0;
  for (const AttentionSequence& sequence : sequences_) {
    const std::span<void* const> pages = std::span(page_pointers_).subspan(next, sequence.pages.size());
    compute_.WriteKv(attention_.layout, pages, sequence.first_position, sequence.n_queries,
                     k_ + row * kv_stride_, v_ + row * kv_stride_, kv_stride_);
    row += sequence.n_queries;
    next += sequence.pages.size();
  }
}

void Transformer::Attend(std::span<const BatchSequence> batch, int index, bool outputs_only) {
  const float* queries = q_;
  size_t stride = q_stride_;
  if (outputs_only) {
    for (size_t i = 0; i < output_rows_.size(); ++i) {
      std::memcpy(update() + i * d_q_, q_ + output_rows_[i] * q_stride_, d_q_ * sizeof(float));
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      sequences_[i].first_position += sequences_[i].n_queries - batch[i].n_outputs();
      sequences_[i].n_queries = batch[i].n_outputs();
    }
    queries = update();
    stride = d_q_;
  }
  attention_.window = static_cast<size_t>(config_.window_of(index));
  compute_.Attention(attention_, sequences_, queries, attended(), stride);
}

void Transformer::GatherOutputs() {
  // Ascending, so that no row is overwritten before it was moved.
  for (size_t i = 0; i < output_rows_.size(); ++i) {
    if (output_rows_[i] != i) std::memcpy(x() + i * d_, x() + output_rows_[i] * d_, d_ * sizeof(float));
  }
}

void Transformer::AddResidual(size_t n_rows) {
  if (config_.residual_scale == 1) {
    compute_.Add(update(), n_rows * d_, x());
  } else {
    compute_.Axpy(config_.residual_scale, update(), n_rows * d_, x());
  }
}

void Transformer::AttentionOutput(const LayerWeights& layer, int index, const Rows& rows) {
  Tell(index, LayerMatrix::kAttnOutput, attended(), rows, d_q_);
  compute_.MatMul(*layer.matrix(LayerMatrix::kAttnOutput), attended(), rows.count, update(), mode_);
  AddLora(rows.loras, index, LayerMatrix::kAttnOutput, attended(), d_q_, update(), d_);
  if (!layer.output_bias.empty()) compute_.AddBias(layer.output_bias.data(), rows.count, d_, update());
  if (config_.post_norms) {
    compute_.RmsNorm(update(), rows.count, d_, layer.post_attn_norm.data(), config_.norm_eps, update());
  }
  AddResidual(rows.count);
}

void Transformer::FeedForward(const LayerWeights& layer, int index, const Rows& rows) {
  compute_.RmsNorm(x(), rows.count, d_, layer.ffn_norm.data(), config_.norm_eps, normed());
  Tell(index, LayerMatrix::kFfnUp, normed(), rows, d_);
  float* gate = gate_up();
  float* product = gate;
  float* up = gate + max_tokens_ * d_ff_;
  size_t stride = d_ff_;
  if (config_.fused_gate_up) {
    up = gate + d_ff_;
    stride = 2 * d_ff_;
    product = gate + max_tokens_ * stride;
    compute_.MatMul(*layer.matrix(LayerMatrix::kFfnUp), normed(), rows.count, gate, mode_);
    AddLora(rows.loras, index, LayerMatrix::kFfnUp, normed(), d_, gate, stride);
  } else {
    const MatMulOutput outputs[] = {{layer.matrix(LayerMatrix::kFfnGate), gate, stride},
                                    {layer.matrix(LayerMatrix::kFfnUp), up, stride}};
    compute_.MatMulMany(outputs, normed(), rows.count, mode_);
    AddLora(rows.loras, index, LayerMatrix::kFfnGate, normed(), d_, gate, stride);
    AddLora(rows.loras, index, LayerMatrix::kFfnUp, normed(), d_, up, stride);
  }
  if (config_.gate == Gate::kSilu) {
    compute_.SiluMul(gate, up, rows.count, d_ff_, product, stride, stride);
  } else {
    compute_.GeluMul(gate, up, rows.count, d_ff_, product, stride, stride);
  }
  Tell(index, LayerMatrix::kFfnDown, product, rows, d_ff_);
  compute_.MatMul(*layer.matrix(LayerMatrix::kFfnDown), product, rows.count, update(), mode_);
  AddLora(rows.loras, index, LayerMatrix::kFfnDown, product, d_ff_, update(), d_);
  if (!layer.down_bias.empty()) compute_.AddBias(layer.down_bias.data(), rows.count, d_, update());
  if (config_.post_norms) {
    compute_.RmsNorm(update(), rows.count, d_, layer.post_ffn_norm.data(), config_.norm_eps, update());
  }
  AddResidual(rows.count);
}

void Transformer::AddLora(std::span<const LoraRun> runs, int layer, LayerMatrix matrix, const float* x,
                          size_t x_width, float* y, size_t y_stride) {
  for (const LoraRun& run : runs) {
    const LoraPair* pair = run.adapter->weights().Find(layer, matrix);
    if (pair == nullptr) continue;
    const size_t rank = pair->a.n_rows();
    const size_t d_out = pair->b.n_rows();
    lora_hidden_.resize(run.count * rank);
    lora_update_.resize(run.count * d_out);
    compute_.MatMul(pair->a, x + run.first * x_width, run.count, lora_hidden_.data(), ActivationMode::kFloat);
    compute_.MatMul(pair->b, lora_hidden_.data(), run.count, lora_update_.data(), ActivationMode::kFloat);
    for (size_t i = 0; i < run.count; ++i) {
      compute_.Axpy(pair->scale, lora_update_.data() + i * d_out, d_out, y + (run.first + i) * y_stride);
    }
  }
}

void Transformer::Logits(const float* hidden, size_t n, const LoraAdapter* lora, float* logits) {
  const auto n_vocab = static_cast<size_t>(config_.n_vocab);
  compute_.MatMul(weights_.output_matrix(), hidden, n, logits, mode_);
  if (lora != nullptr && lora->weights().output) {
    const LoraPair& pair = *lora->weights().output;
    lora_hidden_.resize(n * pair.a.n_rows());
    lora_update_.resize(n * n_vocab);
    compute_.MatMul(pair.a, hidden, n, lora_hidden_.data(), ActivationMode::kFloat);
    compute_.MatMul(pair.b, lora_hidden_.data(), n, lora_update_.data(), ActivationMode::kFloat);
    compute_.Axpy(pair.scale, lora_update_.data(), n * n_vocab, logits);
  }
  if (config_.logit_scale != 1) compute_.Scale(config_.logit_scale, n * n_vocab, logits);
  if (config_.final_softcap > 0) compute_.Softcap(logits, n * n_vocab, config_.final_softcap);
}

void Transformer::LogitsOfRows(const float* hidden, std::span<const TokenId> rows, const LoraAdapter* lora,
                               float* logits) {
  compute_.MatMulRows(weights_.output_matrix(), rows, hidden, 1, logits, mode_);
  if (lora != nullptr && lora->weights().output) {
    const LoraPair& pair = *lora->weights().output;
    lora_hidden_.resize(pair.a.n_rows());
    lora_update_.resize(rows.size());
    compute_.MatMul(pair.a, hidden, 1, lora_hidden_.data(), ActivationMode::kFloat);
    compute_.MatMulRows(pair.b, rows, lora_hidden_.data(), 1, lora_update_.data(), ActivationMode::kFloat);
    compute_.Axpy(pair.scale, lora_update_.data(), rows.size(), logits);
  }
  if (config_.logit_scale != 1) compute_.Scale(config_.logit_scale, rows.size(), logits);
  if (config_.final_softcap > 0) compute_.Softcap(logits, rows.size(), config_.final_softcap);
}

std::span<const float> Transformer::Encode(KvCache& cache, std::span<const TokenId> tokens) {
  const BatchSequence sequence{.cache = &cache, .tokens = tokens, .all_positions = true};
  const std::span batch(&sequence, 1);
  PrepareBatch(batch);
  compute_.Add(weights_.position_embedding.data(), n_tokens_ * d_, x());
  compute_.AddBias(weights_.token_type.data(), n_tokens_, d_, x());
  compute_.LayerNorm(x(), n_tokens_, d_, weights_.embedding_norm.data(), weights_.embedding_norm_bias.data(),
                     config_.norm_eps, x());
  for (int index = 0; index < config_.n_layers; ++index) {
    EncoderLayer(weights_.layers[static_cast<size_t>(index)], batch, index, {n_tokens_, {}});
    compute_.shared_team().LetOthers();
  }
  return {x(), n_tokens_ * d_};
}

void Transformer::EncoderLayer(const LayerWeights& layer, std::span<const BatchSequence> batch, int index,
                               const Rows& rows) {
  std::memcpy(normed(), x(), rows.count * d_ * sizeof(float));
  Qkv(layer, index, rows);
  PointAtLayer(batch, index);
  WriteKv();
  Attend(batch, index, false);
  AttentionOutput(layer, index, rows);
  compute_.LayerNorm(x(), rows.count, d_, layer.attn_output_norm.data(), layer.attn_output_norm_bias.data(),
                     config_.norm_eps, x());
  compute_.MatMul(*layer.matrix(LayerMatrix::kFfnUp), x(), rows.count, gate_up(), mode_);
  if (!layer.up_bias.empty()) compute_.AddBias(layer.up_bias.data(), rows.count, d_ff_, gate_up());
  compute_.Gelu(gate_up(), rows.count, d_ff_);
  compute_.MatMul(*layer.matrix(LayerMatrix::kFfnDown), gate_up(), rows.count, update(), mode_);
  if (!layer.down_bias.empty()) compute_.AddBias(layer.down_bias.data(), rows.count, d_, update());
  AddResidual(rows.count);
  compute_.LayerNorm(x(), rows.count, d_, layer.layer_output_norm.data(), layer.layer_output_norm_bias.data(),
                     config_.norm_eps, x());
}

}  // namespace sotto
