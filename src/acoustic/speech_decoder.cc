#include "acoustic/speech_decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace sotto {

SpeechDecoder::SpeechDecoder(const SpeechModel& model, Isa isa, std::shared_ptr<SharedTeam> team,
                             size_t max_rows)
    : config_(model.config()),
      weights_(model.weights()),
      mode_(model.options().exact ? ActivationMode::kFloat : ActivationMode::kInt8),
      nodes_(config_),
      max_rows_(max_rows),
      compute_(isa, std::move(team)),
      scratch_(6 * max_rows * config_.d_model),
      wide_(3 * max_rows * config_.d_ff) {
  cross_.layout = SpeechPageLayout(model);
  cross_.n_heads = config_.n_heads;
  cross_.scale = 1.0f / std::sqrt(static_cast<float>(config_.head_dim));
  cross_.causal = false;
  rope_.pairing = RopePairing::kHalves;  // see speech_weights.h
  rope_.n_rot = config_.n_rot;
  rope_.theta = config_.rope_theta;
}

void SpeechDecoder::Decode(std::span<const DecoderRow> rows, float* logits, float* log_sum,
                           std::vector<float>* queries) {
  const size_t n = rows.size();
  SOTTO_CHECK(n > 0 && n <= max_rows_, "{} rows in a batch of {}", n, max_rows_);
  const SharedTeam::Turn turn(compute_.shared_team());
  const size_t d = config_.d_model;
  float* x = Rows(0);
  float* normed = Rows(1);
  positions_.clear();
  histories_.clear();
  for (size_t i = 0; i < n; ++i) {
    positions_.push_back(static_cast<int32_t>(rows[i].position));
    histories_.push_back({rows[i].history, 0});
    weights_.embedding->Row(static_cast<size_t>(rows[i].token), std::span(x + i * d, d));
  }
  ComputeRopeAngles(rope_, positions_, angles_);
  if (queries != nullptr) queries->resize(config_.n_decoder_layers * n * d);
  for (size_t index = 0; index < config_.n_decoder_layers; ++index) {
    const SpeechLayerWeights& layer = weights_.decoder[index];
    SelfAttention(layer, index, rows);
    CrossAttention(layer, index, rows, queries);
    FeedForward(layer, n);
    compute_.shared_team().LetOthers();
  }
  compute_.LayerNorm(x, n, d, weights_.decoder_norm.data(), nullptr, config_.norm_eps, normed);
  compute_.MatMul(*weights_.embedding, normed, n, logits, mode_);
  compute_.LogSumExp(logits, n, config_.n_vocab, log_sum);
}

void SpeechDecoder::SelfAttention(const SpeechLayerWeights& layer, size_t index,
                                  std::span<const DecoderRow> rows) {
  const size_t n = rows.size();
  const size_t d = config_.d_model;
  const size_t head_dim = config_.head_dim;
  float *x = Rows(0), *normed = Rows(1), *q = Rows(2), *k = Rows(3), *v = Rows(4), *attended = Rows(5);
  compute_.LayerNorm(x, n, d, layer.attn_norm.data(), nullptr, config_.norm_eps, normed);
  const MatMulOutput outputs[] = {{&*layer.attn.q, q}, {&*layer.attn.k, k}, {&*layer.attn.v, v}};
  compute_.MatMulMany(outputs, normed, n, mode_);
  compute_.Rope(angles_, q, n, config_.n_heads, head_dim);
  compute_.Rope(angles_, k, n, config_.n_heads, head_dim);
  const size_t offset = index * nodes_.layer_floats;
  for (size_t i = 0; i < n; ++i) {
    float* keys = rows[i].node + offset;
    float* values = keys + nodes_.layer_floats / 2;
    for (size_t h = 0; h < config_.n_heads; ++h) {
      std::memcpy(keys + h * nodes_.padded_head_dim, k + i * d + h * head_dim, head_dim * sizeof(float));
      std::memcpy(values + h * nodes_.padded_head_dim, v + i * d + h * head_dim, head_dim * sizeof(float));
    }
    histories_[i].offset = offset;
  }
  compute_.GatheredAttention(config_.n_heads, head_dim, cross_.scale, histories_, q, attended);
  compute_.MatMul(*layer.attn.output, attended, n, normed, mode_);
  compute_.Add(normed, n * d, x);
}

void SpeechDecoder::CrossAttention(const SpeechLayerWeights& layer, size_t index,
                                   std::span<const DecoderRow> rows, std::vector<float>* queries) {
  const size_t n = rows.size();
  const size_t d = config_.d_model;
  float *x = Rows(0), *normed = Rows(1), *q = Rows(2), *attended = Rows(5);
  compute_.LayerNorm(x, n, d, layer.cross_norm.data(), nullptr, config_.norm_eps, normed);
  compute_.MatMul(*layer.cross.q, normed, n, q, mode_);
  if (queries != nullptr) std::copy_n(q, n * d, queries->data() + index * n * d);
  // Neighbours of one sound are the queries of one sequence, so that its keys are read once for all of them.
  sounds_.clear();
  for (size_t i = 0; i < n;) {
    const size_t n_frames = rows[i].speech->n_frames();
    size_t end = i + 1;
    while (end < n && rows[end].speech == rows[i].speech && end - i < n_frames) ++end;
    sounds_.push_back({rows[i].pages->OfLayer(index), 0, end - i, n_frames});
    i = end;
  }
  compute_.Attention(cross_, sounds_, q, attended);
  compute_.MatMul(*layer.cross.output, attended, n, normed, mode_);
  compute_.Add(normed, n * d, x);
}

void SpeechDecoder::FeedForward(const SpeechLayerWeights& layer, size_t n) {
  const size_t d = config_.d_model;
  const size_t d_ff = config_.d_ff;
  float *x = Rows(0), *normed = Rows(1);
  float* both = wide_.data();
  float* product = both + max_rows_ * 2 * d_ff;
  compute_.LayerNorm(x, n, d, layer.ffn_norm.data(), nullptr, config_.norm_eps, normed);
  compute_.MatMul(*layer.up, normed, n, both, mode_);
  compute_.AddBias(layer.up_bias.data(), n, 2 * d_ff, both);
  compute_.SiluMul(both + d_ff, both, n, d_ff, product, 2 * d_ff, 2 * d_ff);
  compute_.MatMul(*layer.down, product, n, normed, mode_);
  compute_.AddBias(layer.down_bias.data(), n, d, normed);
  compute_.Add(normed, n * d, x);
}

}  // namespace sotto
