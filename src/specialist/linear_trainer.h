// Trains a linear classifier of many labels: one support vector machine a label against the rest (squared
// hinge, L2), by dual coordinate descent. Labels are trained side by side on the threads of a team; the
// result depends on the seed alone.
//
// Own code, because Debian's liblinear walks one label at a time over boxed numbers (16 bytes each), draws
// from rand(), and has probabilities only for losses that were less accurate here (docs/adr/0021).
// Source: Hsieh et al. 2008, "A Dual Coordinate Descent Method for Large-scale Linear SVM".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/thread_team.h"
#include "specialist/text_features.h"

namespace sotto {

// Training data: row i is sparse[i] and, where n_dense > 0, dense[i * n_dense ...].
struct LinearRows {
  std::span<const SparseVector> sparse;
  size_t n_sparse = 0;  // features
  std::span<const float> dense;
  size_t n_dense = 0;
  std::span<const uint32_t> labels;  // of each row
  size_t n_labels = 0;
};

// Weights [n_features + n_dense + 1, n_labels], row after row: sparse features, dense ones, the constant.
struct LinearWeights {
  size_t n_sparse = 0;
  size_t n_dense = 0;
  size_t n_labels = 0;
  std::vector<float> values;

  std::span<const float> row(size_t feature) const { return {values.data() + feature * n_labels, n_labels}; }
  // scores [n_labels]. REQUIRES: dense has n_dense numbers.
  void Score(const SparseVector& sparse, std::span<const float> dense, std::span<float> scores) const;
};

struct LinearTraining {
  double c = 1.0;         // cost of an error; larger: fits the data more closely
  bool balanced = false;  // labels weigh the same, however many rows they have
  int epochs = 30;        // at most; fewer where nothing moves any more
  uint64_t seed = 1;
};

// REQUIRES: at least two labels; every label below n_labels.
LinearWeights TrainLinear(const LinearRows& rows, const LinearTraining& options, ThreadTeam& team);

}  // namespace sotto
