#include "trainer/optimizer.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace sotto {

at::Tensor Orthogonalise(const at::Tensor& batch, int steps) {
  constexpr double kA = 3.4445;
  constexpr double kB = -4.7750;
  constexpr double kC = 2.0315;
  const bool tall = batch.size(1) > batch.size(2);
  at::Tensor x = tall ? batch.transpose(1, 2) : batch;
  const at::Tensor norm = x.flatten(1).norm(2, 1).add(1e-7).view({-1, 1, 1});
  x = (x / norm).to(at::kBFloat16).contiguous();
  for (int i = 0; i < steps; ++i) {
    const at::Tensor a = at::bmm(x, x.transpose(1, 2));
    const at::Tensor b = at::baddbmm(a, a, a, kB, kC);
    x = at::baddbmm(x, b, x, kA, 1.0);
  }
  return tall ? x.transpose(1, 2) : x;
}

Optimizer::Optimizer(const Weights& weights, const OptimizerOptions& options) : options_(options) {
  first_ = at::zeros_like(weights.flat());
  second_ = at::zeros_like(weights.flat());
  const DecoderShape& shape = weights.shape();
  std::map<std::pair<int64_t, int64_t>, std::vector<Part>> groups;
  for (const ParameterView& p : weights.parameters()) {
    if (!p.matrix) {
      others_.push_back(p);
      continue;
    }
    std::vector<int64_t> rows{p.rows};
    if (p.name.find("attn_qkv") != std::string::npos) {
      const int64_t kv = int64_t{shape.n_kv_heads} * shape.head_dim;
      rows = {shape.d_q(), kv, kv};
    } else if (p.name.find("gate_up") != std::string::npos) {
      rows = {shape.d_ff, shape.d_ff};
    }
    int64_t offset = p.offset;
    for (const int64_t r : rows) {
      groups[{r, p.columns}].push_back({offset, r, p.columns});
      offset += r * p.columns;
    }
  }
  for (auto& [shape_of_part, parts] : groups) groups_.push_back(std::move(parts));
}

double Optimizer::Rate(int64_t step, int64_t total) const {
  const double warm = std::min(1.0, static_cast<double>(step + 1) / std::max(1, options_.warmup_steps));
  const double left =
      std::max(0.0, 1.0 - static_cast<double>(step) / static_cast<double>(std::max<int64_t>(1, total)));
  return std::min(warm, left);
}

void Optimizer::Step(Weights& weights, const at::Tensor& gradients, double rate) {
  at::NoGradGuard no_grad;
  ++steps_;
  StepMatrices(weights, gradients, rate);
  StepAdam(weights, gradients, rate);
}

void Optimizer::StepMatrices(Weights& weights, const at::Tensor& gradients, double rate) {
  const double lr = options_.matrix_rate * rate;
  for (const std::vector<Part>& parts : groups_) {
    std::vector<at::Tensor> updates;
    for (const Part& p : parts) {
      const at::Tensor g = gradients.narrow(0, p.offset, p.rows * p.columns);
      at::Tensor m = first_.narrow(0, p.offset, p.rows * p.columns);
      m.mul_(options_.momentum).add_(g, 1 - options_.momentum);
      updates.push_back(at::add(g * (1 - options_.momentum), m, options_.momentum).view({p.rows, p.columns}));
    }
    const at::Tensor directions = Orthogonalise(at::stack(updates), 5);
    const double stretch =
        std::sqrt(std::max(1.0, static_cast<double>(parts[0].rows) / static_cast<double>(parts[0].columns)));
    for (size_t i = 0; i < parts.size(); ++i) {
      const Part& p = parts[i];
      at::Tensor w = weights.flat().narrow(0, p.offset, p.rows * p.columns).view({p.rows, p.columns});
      if (options_.matrix_decay > 0) w.mul_(1 - lr * options_.matrix_decay);
      w.add_(directions[static_cast<int64_t>(i)].to(at::kFloat), -lr * stretch);
    }
  }
}

void Optimizer::StepAdam(Weights& weights, const at::Tensor& gradients, double rate) {
  double squares = 0;
  for (const ParameterView& p : others_) {
    const auto norm = gradients.narrow(0, p.offset, p.size()).norm().item<double>();
    squares += norm * norm;
  }
  const double norm = std::sqrt(squares);
  const double scale = norm > options_.clip ? options_.clip / norm : 1.0;
  const auto t = static_cast<double>(steps_);
  const double correct1 = 1 - std::pow(options_.beta1, t);
  const double correct2 = 1 - std::pow(options_.beta2, t);
  const double lr = options_.adam_rate * rate;
  for (const ParameterView& p : others_) {
    const at::Tensor g = gradients.narrow(0, p.offset, p.size()) * scale;
    at::Tensor m = first_.narrow(0, p.offset, p.size());
    at::Tensor v = second_.narrow(0, p.offset, p.size());
    m.mul_(options_.beta1).add_(g, 1 - options_.beta1);
    v.mul_(options_.beta2).addcmul_(g, g, 1 - options_.beta2);
    weights.flat()
        .narrow(0, p.offset, p.size())
        .addcdiv_(m, v.sqrt().div_(std::sqrt(correct2)).add_(1e-8), -lr / correct1);
  }
}

}  // namespace sotto
