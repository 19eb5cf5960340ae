#include "trainer/optimizer.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace sotto {
namespace {

constexpr size_t kPartsAtOnce = 3;       // one batch of products: small enough to share, large enough to pay
constexpr int64_t kRangeSize = 1 << 16;  // elements of Adam's at once

float* Data(at::Tensor& t) { return t.data_ptr<float>(); }

}  // namespace

at::Tensor Orthogonalise(const at::Tensor& batch, int steps) {
  constexpr double kA = 3.4445;
  constexpr double kB = -4.7750;
  constexpr double kC = 2.0315;
  const at::Tensor norm = batch.flatten(1).norm(2, 1).add(1e-7).view({-1, 1, 1});
  at::Tensor x = (batch / norm).to(at::kBFloat16).contiguous();
  const bool tall = x.size(1) > x.size(2);  // the smaller of the two products is iterated
  for (int i = 0; i < steps; ++i) {
    const at::Tensor a = tall ? at::bmm(x.transpose(1, 2), x) : at::bmm(x, x.transpose(1, 2));
    const at::Tensor b = at::baddbmm(a, a, a, kB, kC);
    x = tall ? at::baddbmm(x, x, b, kA, 1.0) : at::baddbmm(x, b, x, kA, 1.0);
  }
  return x;
}

Optimizer::Optimizer(const Weights& weights, const OptimizerOptions& options)
    : options_(options), kernels_(KernelsOfOptimizer()) {
  first_ = at::zeros_like(weights.flat());
  second_ = at::zeros_like(weights.flat());
  const DecoderShape& shape = weights.shape();
  std::map<std::pair<int64_t, int64_t>, std::vector<Part>> groups;
  for (const ParameterView& p : weights.parameters()) {
    if (!p.matrix) {
      for (int64_t done = 0; done < p.size(); done += kRangeSize) {
        others_.push_back({p.offset + done, std::min(kRangeSize, p.size() - done)});
      }
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
  for (const auto& [shape_of_part, parts] : groups) {
    for (size_t i = 0; i < parts.size(); i += kPartsAtOnce) {
      const auto first = parts.begin() + static_cast<ptrdiff_t>(i);
      groups_.emplace_back(first, first + static_cast<ptrdiff_t>(std::min(kPartsAtOnce, parts.size() - i)));
    }
  }
}

void Optimizer::Step(Weights& weights, const at::Tensor& gradients, double rate, ThreadTeam& team) {
  ++steps_;
  float* w = Data(weights.flat());
  const auto* g = gradients.data_ptr<float>();
  team.ParallelFor(groups_.size(), 1,
                   [&](size_t begin, size_t, size_t) { MoveMatrices(groups_[begin], w, g, rate); });
  std::vector<double> squares(others_.size());
  team.ParallelFor(others_.size(), 1, [&](size_t i, size_t, size_t) {
    squares[i] = kernels_.sum_of_squares(g + others_[i].offset, others_[i].size);
  });
  double total = 0;
  for (const double s : squares) total += s;
  const double norm = std::sqrt(total);
  const OptimizerKernels::Adam adam =
      AdamAt(steps_, options_.adam_rate * rate, options_.beta1, options_.beta2,
             norm > options_.clip ? options_.clip / norm : 1.0);
  team.ParallelFor(others_.size(), 1, [&](size_t i, size_t, size_t) {
    const int64_t at = others_[i].offset;
    kernels_.adam(g + at, Data(first_) + at, Data(second_) + at, w + at, others_[i].size, adam);
  });
}

void Optimizer::MoveMatrices(const std::vector<Part>& parts, float* weights, const float* gradients,
                             double rate) {
  at::NoGradGuard no_grad;
  at::set_num_threads(1);
  const auto n = static_cast<int64_t>(parts.size());
  const int64_t rows = parts[0].rows;
  const int64_t columns = parts[0].columns;
  const int64_t size = rows * columns;
  at::Tensor updates = at::empty({n, rows, columns}, at::kFloat);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = parts[static_cast<size_t>(i)].offset;
    kernels_.nesterov(gradients + at, Data(first_) + at, Data(updates) + i * size, size,
                      static_cast<float>(options_.momentum));
  }
  const at::Tensor directions = Orthogonalise(updates, 5).contiguous();
  const auto* direction = static_cast<const Bf16*>(directions.data_ptr());
  const double lr = options_.matrix_rate * rate;
  const double stretch = std::sqrt(std::max(1.0, static_cast<double>(rows) / static_cast<double>(columns)));
  for (int64_t i = 0; i < n; ++i) {
    kernels_.move(direction + i * size, weights + parts[static_cast<size_t>(i)].offset, size,
                  static_cast<float>(-lr * stretch), static_cast<float>(1 - lr * options_.matrix_decay));
  }
}

OptimizerKernels::Adam AdamAt(int64_t step, double rate, double beta1, double beta2, double scale) {
  const auto t = static_cast<double>(step);
  return {static_cast<float>(scale), static_cast<float>(beta1), static_cast<float>(beta2),
          static_cast<float>(rate / (1 - std::pow(beta1, t))),
          static_cast<float>(1 / std::sqrt(1 - std::pow(beta2, t)))};
}

}  // namespace sotto
