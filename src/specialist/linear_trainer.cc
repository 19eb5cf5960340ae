#include "specialist/linear_trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/random.h"

namespace sotto {
namespace {

// Labels of one piece of work: their weights of a feature lie side by side.
constexpr size_t kLabelsAtOnce = 32;
// Stops where no dual variable would move further than this.
constexpr double kStill = 0.02;

// y[0..n) += a * x[0..n)
void AddScaled(float a, const float* x, size_t n, float* y) {
  for (size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

// The labels [first, first + n) against the rest.
class LabelGroupTrainer {
 public:
  LabelGroupTrainer(const LinearRows& rows, const LinearTraining& options, std::span<const double> squares,
                    std::span<const double> costs, size_t first, size_t n)
      : rows_(rows), options_(options), squares_(squares), costs_(costs), first_(first), n_(n) {
    weights_.assign((rows.n_sparse + rows.n_dense + 1) * n, 0.0f);
    alphas_.assign(rows.labels.size() * n, 0.0f);
  }

  void Run() {
    Random random(options_.seed);
    std::vector<size_t> order(rows_.labels.size());
    std::iota(order.begin(), order.end(), size_t{0});
    for (int epoch = 0; epoch < options_.epochs; ++epoch) {
      for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
      double largest = 0;
      for (const size_t row : order) largest = std::max(largest, Step(row));
      if (largest < kStill) break;
    }
  }

  void Copy(LinearWeights& out) const {
    for (size_t feature = 0; feature * n_ < weights_.size(); ++feature) {
      std::copy_n(weights_.data() + feature * n_, n_, out.values.data() + feature * out.n_labels + first_);
    }
  }

 private:
  const float* Dense(size_t row) const { return rows_.dense.data() + row * rows_.n_dense; }
  float* Weights(size_t feature) { return weights_.data() + feature * n_; }

  // Returns the largest projected gradient.
  double Step(size_t row) {
    float scores[kLabelsAtOnce];
    const SparseVector& sparse = rows_.sparse[row];
    std::copy_n(Weights(rows_.n_sparse + rows_.n_dense), n_, scores);
    for (size_t k = 0; k < sparse.indices.size(); ++k)
      AddScaled(sparse.values[k], Weights(sparse.indices[k]), n_, scores);
    for (size_t k = 0; k < rows_.n_dense; ++k)
      AddScaled(Dense(row)[k], Weights(rows_.n_sparse + k), n_, scores);

    float deltas[kLabelsAtOnce];
    float* alphas = alphas_.data() + row * n_;
    bool moved = false;
    double largest = 0;
    for (size_t label = 0; label < n_; ++label) {
      const float sign = rows_.labels[row] == first_ + label ? 1.0f : -1.0f;
      const double soft = 0.5 / (options_.c * costs_[rows_.labels[row]]);
      const double alpha = static_cast<double>(alphas[label]);
      const double gradient = static_cast<double>(sign * scores[label]) - 1 + soft * alpha;
      deltas[label] = 0;
      const double projected = alpha == 0 ? std::min(gradient, 0.0) : gradient;
      if (projected == 0) continue;
      largest = std::max(largest, std::abs(projected));
      const double next = std::max(alpha - gradient / (squares_[row] + soft), 0.0);
      deltas[label] = sign * static_cast<float>(next - alpha);
      alphas[label] = static_cast<float>(next);
      moved = true;
    }
    if (moved) Update(row, deltas);
    return largest;
  }

  void Update(size_t row, const float* deltas) {
    const SparseVector& sparse = rows_.sparse[row];
    AddScaled(1.0f, deltas, n_, Weights(rows_.n_sparse + rows_.n_dense));
    for (size_t k = 0; k < sparse.indices.size(); ++k)
      AddScaled(sparse.values[k], deltas, n_, Weights(sparse.indices[k]));
    for (size_t k = 0; k < rows_.n_dense; ++k)
      AddScaled(Dense(row)[k], deltas, n_, Weights(rows_.n_sparse + k));
  }

  const LinearRows& rows_;
  const LinearTraining& options_;
  const std::span<const double> squares_;  // of each row's length, with the constant
  const std::span<const double> costs_;    // of each label
  const size_t first_;
  const size_t n_;
  std::vector<float> weights_;  // [features, n]
  std::vector<float> alphas_;   // [rows, n]
};

}  // namespace

void LinearWeights::Score(const SparseVector& sparse, std::span<const float> dense,
                          std::span<float> scores) const {
  SOTTO_CHECK(dense.size() == n_dense && scores.size() == n_labels);
  std::ranges::copy(row(n_sparse + n_dense), scores.begin());
  for (size_t k = 0; k < sparse.indices.size(); ++k)
    AddScaled(sparse.values[k], row(sparse.indices[k]).data(), n_labels, scores.data());
  for (size_t k = 0; k < n_dense; ++k) AddScaled(dense[k], row(n_sparse + k).data(), n_labels, scores.data());
}

LinearWeights TrainLinear(const LinearRows& rows, const LinearTraining& options, ThreadTeam& team) {
  const size_t n = rows.labels.size();
  SOTTO_CHECK(rows.n_labels >= 2 && rows.sparse.size() == n && rows.dense.size() == n * rows.n_dense);
  std::vector<double> squares(n, 1.0);
  std::vector<double> counts(rows.n_labels, 0.0);
  for (size_t i = 0; i < n; ++i) {
    SOTTO_CHECK(rows.labels[i] < rows.n_labels);
    ++counts[rows.labels[i]];
    for (const float value : rows.sparse[i].values)
      squares[i] += static_cast<double>(value) * static_cast<double>(value);
    for (const float value : rows.dense.subspan(i * rows.n_dense, rows.n_dense))
      squares[i] += static_cast<double>(value) * static_cast<double>(value);
  }
  std::vector<double> costs(rows.n_labels, 1.0);
  if (options.balanced) {
    for (size_t label = 0; label < rows.n_labels; ++label)
      costs[label] =
          static_cast<double>(n) / (static_cast<double>(rows.n_labels) * std::max(counts[label], 1.0));
  }
  LinearWeights out;
  out.n_sparse = rows.n_sparse;
  out.n_dense = rows.n_dense;
  out.n_labels = rows.n_labels;
  out.values.resize((rows.n_sparse + rows.n_dense + 1) * rows.n_labels);
  const size_t n_groups = (rows.n_labels + kLabelsAtOnce - 1) / kLabelsAtOnce;
  const size_t width = (rows.n_labels + n_groups - 1) / n_groups;
  team.ParallelFor(n_groups, 1, [&](size_t begin, size_t end, size_t) {
    for (size_t group = begin; group < end; ++group) {
      const size_t first = group * width;
      if (first >= rows.n_labels) continue;
      LabelGroupTrainer trainer(rows, options, squares, costs, first, std::min(width, rows.n_labels - first));
      trainer.Run();
      trainer.Copy(out);
    }
  });
  return out;
}

}  // namespace sotto
