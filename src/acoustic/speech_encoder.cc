#include "acoustic/speech_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace sotto {
namespace {

// Rows of windows that are laid out at a time: they stay in the cache until they are multiplied.
constexpr size_t kWindowRows = 128;

}  // namespace

SpeechEncoder::SpeechEncoder(const SpeechModel& model, Isa isa, std::shared_ptr<SharedTeam> team)
    : config_(model.config()),
      weights_(model.weights()),
      mode_(model.options().exact ? ActivationMode::kFloat : ActivationMode::kInt8),
      compute_(isa, std::move(team)) {
  attention_.layout = SpeechPageLayout(model);
  attention_.n_heads = config_.n_heads;
  attention_.scale = 1.0f / std::sqrt(static_cast<float>(config_.head_dim));
  attention_.causal = false;
  rope_.pairing = RopePairing::kHalves;  // see speech_weights.h
  rope_.n_rot = config_.n_rot;
  rope_.theta = config_.rope_theta;
}

void SpeechEncoder::Convolve(const WeightMatrix& weights, const float* x, size_t row_floats,
                             size_t step_floats, size_t n_out, ActivationMode mode, float* y) {
  const size_t width = weights.n_cols();
  float* windows = windows_.Get(std::min(n_out, kWindowRows) * width);
  for (size_t first = 0; first < n_out; first += kWindowRows) {
    const size_t n = std::min(kWindowRows, n_out - first);
    for (size_t i = 0; i < n; ++i) {
      float* window = windows + i * width;
      std::memcpy(window, x + (first + i) * step_floats, row_floats * sizeof(float));
      std::fill(window + row_floats, window + width, 0.0f);
    }
    compute_.MatMul(weights, windows, n, y + first * weights.n_rows(), mode);
  }
}

// Leaves the frames in x_ and returns how many they are.
size_t SpeechEncoder::Stem(std::span<const float> samples) {
  const size_t d = config_.d_model;
  size_t n[3];
  size_t n_in = samples.size();
  for (size_t i = 0; i < 3; ++i) {
    SOTTO_CHECK(n_in >= config_.kernels[i]);
    n[i] = n_in = (n_in - config_.kernels[i]) / config_.strides[i] + 1;
  }
  float* a = stem_a_.Get(n[0] * d);
  // Raw sound spans six orders of magnitude within a window: never rounded.
  Convolve(*weights_.conv[0], samples.data(), config_.kernels[0], config_.strides[0], n[0],
           ActivationMode::kFloat, a);
  compute_.Tanh(a, n[0], d);
  compute_.GroupNorm(a, n[0], d, weights_.group_weight.data(), weights_.group_bias.data(), config_.norm_eps);
  float* b = stem_b_.Get(n[1] * 2 * d);
  Convolve(*weights_.conv[1], a, config_.kernels[1] * d, config_.strides[1] * d, n[1], mode_, b);
  compute_.GeluErf(b, weights_.conv_bias[1].data(), n[1], 2 * d);
  float* x = x_.Get(n[2] * d);
  Convolve(*weights_.conv[2], b, config_.kernels[2] * 2 * d, config_.strides[2] * 2 * d, n[2], mode_, x);
  compute_.GeluErf(x, weights_.conv_bias[2].data(), n[2], d);
  return n[2];
}

void SpeechEncoder::PreparePages(size_t n) {
  const size_t n_pages = (n + KvPageLayout::kPositions - 1) / KvPageLayout::kPositions;
  const size_t page_bytes = attention_.layout.page_bytes();
  if (pages_.size() < n_pages) {
    page_memory_ = AlignedBuffer(n_pages * page_bytes);
    std::memset(page_memory_.data(), 0, n_pages * page_bytes);
    pages_.clear();
    for (size_t i = 0; i < n_pages; ++i) pages_.push_back(page_memory_.data() + i * page_bytes);
    const_pages_.assign(pages_.begin(), pages_.end());
  }
  positions_.resize(n);
  for (size_t i = 0; i < n; ++i) positions_[i] = static_cast<int32_t>(i);
  ComputeRopeAngles(rope_, positions_, angles_);
}

void SpeechEncoder::Layer(const SpeechLayerWeights& layer, size_t n) {
  const size_t d = config_.d_model;
  float* x = x_.Get(n * d);
  float* normed = normed_.Get(n * d);
  float* q = q_.Get(n * d);
  float* k = k_.Get(n * d);
  float* v = v_.Get(n * d);
  float* attended = attended_.Get(n * d);
  float* wide = wide_.Get(n * config_.d_ff);
  compute_.LayerNorm(x, n, d, layer.attn_norm.data(), nullptr, config_.norm_eps, normed);
  const MatMulOutput outputs[] = {{&*layer.attn.q, q}, {&*layer.attn.k, k}, {&*layer.attn.v, v}};
  compute_.MatMulMany(outputs, normed, n, mode_);
  compute_.Rope(angles_, q, n, config_.n_heads, config_.head_dim);
  compute_.Rope(angles_, k, n, config_.n_heads, config_.head_dim);
  compute_.WriteKv(attention_.layout, pages_, 0, n, k, v);
  const AttentionSequence sequence{const_pages_, 0, n, n};
  compute_.Attention(attention_, {&sequence, 1}, q, attended);
  compute_.MatMul(*layer.attn.output, attended, n, normed, mode_);
  compute_.Add(normed, n * d, x);
  compute_.LayerNorm(x, n, d, layer.ffn_norm.data(), nullptr, config_.norm_eps, normed);
  compute_.MatMul(*layer.up, normed, n, wide, mode_);
  compute_.GeluErf(wide, layer.up_bias.data(), n, config_.d_ff);
  compute_.MatMul(*layer.down, wide, n, normed, mode_);
  compute_.AddBias(layer.down_bias.data(), n, d, normed);
  compute_.Add(normed, n * d, x);
}

void SpeechEncoder::Cross(size_t n, EncodedSpeech::Pages& pages) {
  const size_t d = config_.d_model;
  float* normed = normed_.Get(n * d);
  float* k = k_.Get(n * d);
  float* v = v_.Get(n * d);
  const size_t page_bytes = pages.layout.page_bytes();
  std::vector<void*> of_layer(pages.n_pages);
  for (size_t layer = 0; layer < config_.n_decoder_layers; ++layer) {
    const AttentionWeights& cross = weights_.decoder[layer].cross;
    const MatMulOutput outputs[] = {{&*cross.k, k}, {&*cross.v, v}};
    compute_.MatMulMany(outputs, normed, n, mode_);
    for (size_t i = 0; i < pages.n_pages; ++i)
      of_layer[i] = pages.memory.data() + (layer * pages.n_pages + i) * page_bytes;
    compute_.WriteKv(pages.layout, of_layer, 0, n, k, v);
  }
}

void SpeechEncoder::Encode(std::span<const float> samples, EncodedSpeech::Pages& pages,
                           std::vector<float>* frames) {
  const SharedTeam::Turn turn(compute_.shared_team());
  const size_t n = Stem(samples);
  const size_t d = config_.d_model;
  PreparePages(n);
  for (const SpeechLayerWeights& layer : weights_.encoder) {
    compute_.shared_team().LetOthers();
    Layer(layer, n);
  }
  compute_.LayerNorm(x_.Get(n * d), n, d, weights_.encoder_norm.data(), nullptr, config_.norm_eps,
                     normed_.Get(n * d));
  compute_.shared_team().LetOthers();
  pages.layout = attention_.layout;
  pages.n_pages = (n + KvPageLayout::kPositions - 1) / KvPageLayout::kPositions;
  const size_t page_bytes = pages.layout.page_bytes();
  const size_t n_all = pages.n_pages * config_.n_decoder_layers;
  pages.memory = AlignedBuffer(n_all * page_bytes);
  std::memset(pages.memory.data(), 0, n_all * page_bytes);
  pages.pointers.clear();
  for (size_t i = 0; i < n_all; ++i) pages.pointers.push_back(pages.memory.data() + i * page_bytes);
  Cross(n, pages);
  if (frames != nullptr) frames->assign(normed_.Get(n * d), normed_.Get(n * d) + n * d);
}

}  // namespace sotto
