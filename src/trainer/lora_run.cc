#include "trainer/lora_run.h"

#include <algorithm>
#include <cmath>

#include "trainer/corpus.h"
#include "trainer/optimizer.h"

namespace sotto {

LoraRun::LoraRun(Weights& weights, const LoraOptions& options)
    : weights_(weights), options_(options), pass_(Pass::Create(weights.shape(), options.precision)) {
  at::NoGradGuard no_grad;
  Random random(options.seed);
  for (TensorPiece& piece : TensorPieces(weights)) {
    const ParameterView& view = weights.view(piece.parameter);
    if (!view.matrix) continue;
    Pair pair;
    pair.base = Rows(piece, weights.flat()).clone();
    pair.a = at::empty({options.rank, view.columns}, at::kFloat);
    const double bound = std::sqrt(3.0 / static_cast<double>(view.columns));
    for (int64_t i = 0; i < pair.a.numel(); ++i) {
      pair.a.data_ptr<float>()[i] = static_cast<float>((2 * random.Uniform() - 1) * bound);
    }
    pair.b = at::zeros({piece.rows, options.rank}, at::kFloat);
    pair.m_a = at::zeros_like(pair.a);
    pair.v_a = at::zeros_like(pair.a);
    pair.m_b = at::zeros_like(pair.b);
    pair.v_b = at::zeros_like(pair.b);
    pair.piece = std::move(piece);
    pairs_.push_back(std::move(pair));
  }
}

at::Tensor LoraRun::Rows(const TensorPiece& piece, const at::Tensor& flat) const {
  const ParameterView& view = weights_.view(piece.parameter);
  return flat.narrow(0, view.offset + piece.first * view.columns, piece.rows * view.columns)
      .view({piece.rows, view.columns});
}

void LoraRun::Merge() {
  at::NoGradGuard no_grad;
  const double scale = options_.alpha / options_.rank;
  for (Pair& pair : pairs_) {
    Rows(pair.piece, weights_.flat()).copy_(at::addmm(pair.base, pair.b, pair.a, 1.0, scale));
  }
}

void LoraRun::Adam(at::Tensor& parameter, const at::Tensor& gradient, at::Tensor& m, at::Tensor& v,
                   double rate) const {
  KernelsOfOptimizer().adam(gradient.data_ptr<float>(), m.data_ptr<float>(), v.data_ptr<float>(),
                            parameter.data_ptr<float>(), parameter.numel(),
                            AdamAt(steps_, rate, 0.9, 0.99, 1.0));
}

double LoraRun::Step(const Batch& batch, double rate) {
  at::NoGradGuard no_grad;
  ++steps_;
  Merge();
  pass_->Refresh(weights_);
  const double weight = std::max(batch.weight_sum(), 1.0);
  const std::vector<RowScore> scores = pass_->Train(weights_, batch, static_cast<float>(1.0 / weight));
  const double scale = options_.alpha / options_.rank;
  for (Pair& pair : pairs_) {
    const at::Tensor dw = Rows(pair.piece, pass_->gradients());
    const at::Tensor da = at::mm(pair.b.t(), dw).mul_(scale);
    const at::Tensor db = at::mm(dw, pair.a.t()).mul_(scale);
    Adam(pair.a, da, pair.m_a, pair.v_a, rate);
    Adam(pair.b, db, pair.m_b, pair.v_b, rate);
  }
  pass_->gradients().zero_();
  double loss = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    loss += static_cast<double>(batch.weights[i]) * static_cast<double>(scores[i].loss) / weight;
  }
  return loss;
}

void LoraRun::Run(const std::vector<TrainSequence>& sequences,
                  const std::function<void(int64_t, double)>& progress) {
  SOTTO_CHECK(!sequences.empty());
  Random random(options_.seed + 1);
  for (int64_t step = 0; step < options_.steps; ++step) {
    Batch batch;
    while (batch.n_tokens() < options_.batch_tokens) {
      AppendSequence(sequences[random.Below(sequences.size())], weights_.shape().n_ctx, batch);
    }
    const double warm = std::min(1.0, static_cast<double>(step + 1) / std::max(1, options_.warmup_steps));
    const double left = 1.0 - static_cast<double>(step) / static_cast<double>(options_.steps);
    const double loss = Step(batch, options_.rate * std::min(warm, left));
    if (progress) progress(step + 1, loss);
  }
  Merge();
  pass_->Refresh(weights_);
}

Result<void> LoraRun::WriteAdapter(const std::filesystem::path& path, const std::string& name) const {
  GgufWriter writer;
  writer.SetString("general.architecture", "qwen3");
  writer.SetString("general.type", "adapter");
  writer.SetString("general.name", name);
  writer.SetString("adapter.type", "lora");
  writer.SetF32("adapter.lora.alpha", static_cast<float>(options_.alpha));
  for (const Pair& pair : pairs_) {
    const auto add = [&](const char* suffix, const at::Tensor& t) {
      const std::span<const float> values(t.data_ptr<float>(), static_cast<size_t>(t.numel()));
      const std::vector<uint64_t> shape{static_cast<uint64_t>(t.size(1)), static_cast<uint64_t>(t.size(0))};
      writer.AddTensor(pair.piece.name + suffix, DType::kF32, shape, std::as_bytes(values));
    };
    add(".lora_a", pair.a);
    add(".lora_b", pair.b);
  }
  return writer.Write(path);
}

}  // namespace sotto
