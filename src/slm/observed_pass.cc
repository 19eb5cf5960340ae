#include "slm/observed_pass.h"

#include <algorithm>
#include <cmath>

#include "slm/engine.h"
#include "slm/transformer.h"

namespace sotto {
namespace {

constexpr size_t kPassTokens = 256;  // a batch

Result<void> CheckSequences(const Model& model, const TokenSequences& sequences) {
  if (model.config().is_encoder())
    return MakeError(ErrorCode::kInvalidArgument, "{} is an encoder; a decoder is needed", model.path());
  if (sequences.empty())
    return MakeError(ErrorCode::kInvalidArgument, "there are no texts to calibrate with");
  for (const auto& sequence : sequences) {
    for (const TokenId id : sequence) {
      if (id < 0 || id >= model.config().n_vocab)
        return MakeError(ErrorCode::kInvalidArgument, "token {} is none of the {} of {}", id,
                         model.config().n_vocab, model.path());
    }
  }
  return {};
}

std::span<const TokenId> Cut(const std::vector<TokenId>& sequence, const Model& model) {
  return std::span(sequence).first(std::min(sequence.size(), static_cast<size_t>(model.config().n_ctx)));
}

// Sums X^T X of a part of the rows.
class MomentObserver final : public LinearObserver {
 public:
  MomentObserver(size_t stride, int only_layer)
      : stride_(std::max<size_t>(stride, 1)), only_layer_(only_layer) {}

  void OnInput(int layer, LayerMatrix matrix, std::span<const float> x, size_t width) override {
    if (only_layer_ >= 0 && layer != only_layer_) return;
    InputMoments& moments = moments_[{layer, matrix}];
    if (moments.width == 0) {
      moments.width = width;
      moments.second.assign(width * width, 0);
      moments.mean_abs.assign(width, 0);
    }
    std::vector<float>& block = block_;
    block.clear();
    size_t rows = 0;
    size_t& next = next_[{layer, matrix}];
    for (size_t row = 0; row < x.size() / width; ++row) {
      if (next++ % stride_ != 0) continue;
      block.insert(block.end(), x.begin() + static_cast<std::ptrdiff_t>(row * width),
                   x.begin() + static_cast<std::ptrdiff_t>((row + 1) * width));
      ++rows;
    }
    Add(moments, rows);
  }
  std::map<LayerInput, InputMoments> Take() {
    for (auto& [input, moments] : moments_) {
      const double n = static_cast<double>(std::max<size_t>(moments.n, 1));
      for (size_t i = 0; i < moments.width; ++i) {
        moments.mean_abs[i] /= n;
        for (size_t j = 0; j <= i; ++j) {
          moments.second[i * moments.width + j] /= n;
          moments.second[j * moments.width + i] = moments.second[i * moments.width + j];
        }
      }
    }
    return std::move(moments_);
  }

 private:
  void Add(InputMoments& moments, size_t rows) {
    const size_t width = moments.width;
    moments.n += rows;
    sums_.assign(width, 0);
    for (size_t i = 0; i < width; ++i) {
      // Row i of the lower triangle, in floats over the block, then in doubles over all.
      std::fill_n(sums_.begin(), i + 1, 0.0f);
      double total = 0;
      for (size_t row = 0; row < rows; ++row) {
        const float* x = block_.data() + row * width;
        const float xi = x[i];
        total += std::fabs(static_cast<double>(xi));
        if (xi == 0.0f) continue;
        float* sums = sums_.data();
        for (size_t j = 0; j <= i; ++j) sums[j] += xi * x[j];
      }
      moments.mean_abs[i] += total;
      double* to = moments.second.data() + i * width;
      for (size_t j = 0; j <= i; ++j) to[j] += static_cast<double>(sums_[j]);
    }
  }

  const size_t stride_;
  const int only_layer_;
  std::map<LayerInput, InputMoments> moments_;
  std::map<LayerInput, size_t> next_;
  std::vector<float> block_;
  std::vector<float> sums_;
};

KvLayout ExactLayout(const Model& model) {
  KvLayout layout;
  layout.n_layers = model.config().n_layers;
  layout.layer.type = DType::kF32;
  layout.layer.n_kv_heads = static_cast<size_t>(model.config().n_kv_heads);
  layout.layer.head_dim = static_cast<size_t>(model.config().head_dim);
  return layout;
}

// log softmax of a row, in doubles.
void LogSoftmax(std::span<const float> logits, std::vector<double>& out) {
  out.resize(logits.size());
  const double most = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - most);
  const double log_sum = most + std::log(sum);
  for (size_t i = 0; i < logits.size(); ++i) out[i] = static_cast<double>(logits[i]) - log_sum;
}

}  // namespace

LayerInput InputOf(int layer, LayerMatrix matrix, bool fused_qkv) {
  switch (matrix) {
    case LayerMatrix::kAttnQ:
    case LayerMatrix::kAttnK:
    case LayerMatrix::kAttnV:
    case LayerMatrix::kAttnQkv:
      return {layer, fused_qkv ? LayerMatrix::kAttnQkv : LayerMatrix::kAttnQ};
    case LayerMatrix::kFfnGate:
      return {layer, LayerMatrix::kFfnUp};
    default:
      return {layer, matrix};
  }
}

Result<std::map<LayerInput, InputMoments>> MeasureInputs(std::shared_ptr<const Model> model,
                                                         const TokenSequences& sequences,
                                                         const PassOptions& options) {
  SOTTO_RETURN_IF_ERROR(CheckSequences(*model, sequences));
  size_t total = 0;
  for (const auto& sequence : sequences) total += Cut(sequence, *model).size();
  MomentObserver observer((total + options.most_rows - 1) / std::max<size_t>(options.most_rows, 1),
                          options.only_layer);
  const auto team = std::make_shared<SharedTeam>(static_cast<size_t>(std::max(1, options.n_threads)));
  const KvLayout layout = ExactLayout(*model);
  const auto pool = std::make_shared<KvPool>(layout);
  SOTTO_ASSIGN_OR_RETURN(const Isa isa, ChooseIsa());
  Transformer transformer(*model, layout, isa, team, kPassTokens);
  transformer.Observe(&observer);
  const SharedTeam::Turn turn(*team);
  size_t done = 0;
  for (const auto& sequence : sequences) {
    std::span<const TokenId> left = Cut(sequence, *model);
    KvCache cache(pool);
    while (!left.empty()) {
      const std::span<const TokenId> part = left.first(std::min(left.size(), kPassTokens));
      cache.Reserve(static_cast<int>(part.size()));
      const BatchSequence one{.cache = &cache, .tokens = part, .all_positions = true};
      transformer.Decode(std::span(&one, 1));
      cache.Append(part);
      left = left.subspan(part.size());
    }
    if (options.progress) options.progress(++done, sequences.size());
  }
  return observer.Take();
}

double Divergence::reference_perplexity() const { return std::exp(reference_loss); }
double Divergence::perplexity() const { return std::exp(loss); }

Result<Divergence> MeasureDivergence(std::shared_ptr<const Model> reference,
                                     std::shared_ptr<const Model> other, const TokenSequences& sequences,
                                     const PassOptions& options) {
  SOTTO_RETURN_IF_ERROR(CheckSequences(*reference, sequences));
  if (reference->config().n_vocab != other->config().n_vocab)
    return MakeError(ErrorCode::kInvalidArgument, "{} has {} tokens, {} has {}: they cannot be compared",
                     reference->path(), reference->config().n_vocab, other->path(), other->config().n_vocab);
  const EngineOptions engine_options{.n_threads = options.n_threads};
  SOTTO_ASSIGN_OR_RETURN(const auto first, Engine::Create(reference, engine_options));
  SOTTO_ASSIGN_OR_RETURN(const auto second, Engine::Create(other, engine_options));
  const auto n_vocab = static_cast<size_t>(reference->config().n_vocab);
  Divergence sum;
  size_t compared = 0, predicted = 0, same = 0, done = 0;
  std::vector<double> p, q;
  for (const auto& sequence : sequences) {
    const std::span<const TokenId> tokens = Cut(sequence, *reference);
    KvCache cache_a = first->NewCache();
    KvCache cache_b = second->NewCache();
    ForwardRequest a{.cache = &cache_a, .tokens = tokens, .want = ForwardRequest::Want::kAllPositions};
    ForwardRequest b{.cache = &cache_b, .tokens = tokens, .want = ForwardRequest::Want::kAllPositions};
    SOTTO_RETURN_IF_ERROR(first->Forward(a));
    SOTTO_RETURN_IF_ERROR(second->Forward(b));
    for (size_t i = 0; i < tokens.size(); ++i) {
      LogSoftmax(std::span(a.logits).subspan(i * n_vocab, n_vocab), p);
      LogSoftmax(std::span(b.logits).subspan(i * n_vocab, n_vocab), q);
      for (size_t v = 0; v < n_vocab; ++v) sum.kl += std::exp(p[v]) * (p[v] - q[v]);
      same += a.argmax[i] == b.argmax[i] ? 1 : 0;
      ++compared;
      if (i + 1 == tokens.size()) continue;
      const auto next = static_cast<size_t>(tokens[i + 1]);
      sum.reference_loss -= p[next];
      sum.loss -= q[next];
      ++predicted;
    }
    if (options.progress) options.progress(++done, sequences.size());
  }
  sum.tokens = compared;
  if (compared > 0) {
    sum.kl /= static_cast<double>(compared);
    sum.same_argmax = static_cast<double>(same) / static_cast<double>(compared);
  }
  if (predicted > 0) {
    sum.reference_loss /= static_cast<double>(predicted);
    sum.loss /= static_cast<double>(predicted);
  }
  return sum;
}

}  // namespace sotto
