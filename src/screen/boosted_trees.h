// Gradient-boosted trees by XGBoost (Chen and Guestrin 2016; Debian's libxgboost-dev, Apache-2.0). Optional: without the
// library HasBoostedTrees() is false and Train and Open say so. Immutable after Train or Open; Predict from any thread,
// one at a time inside.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace sotto {

struct BoostingOptions {
  int trees = 200;
  int depth = 5;
  double learning_rate = 0.08;
  double subsample = 0.8;  // of the rows, each tree
  double columns = 0.6;    // of the features, each tree
  double min_child_weight = 5;
  int threads = 1;  // OpenMP spins where cores are shared: more only where they are not
  uint64_t seed = 1;
};

bool HasBoostedTrees();

class BoostedTrees {
 public:
  // rows [n, n_features], labels [n] of 0 and 1. kInvalidArgument: labels of one kind. kUnsupported: no library.
  static Result<std::shared_ptr<const BoostedTrees>> Train(std::span<const float> rows, size_t n_features,
                                                           std::span<const float> labels,
                                                           const BoostingOptions& options);
  // kCorrupt: no model, or of another number of features.
  static Result<std::shared_ptr<const BoostedTrees>> Open(const std::filesystem::path& path,
                                                          size_t n_features);
  Result<void> Save(const std::filesystem::path& path) const;
  ~BoostedTrees();
  BoostedTrees(const BoostedTrees&) = delete;
  BoostedTrees& operator=(const BoostedTrees&) = delete;

  // Probabilities [n].
  Result<std::vector<float>> Predict(std::span<const float> rows) const;
  // Log-odds that each feature adds (SHAP values, Lundberg et al. 2018), and the constant: [n, n_features + 1].
  Result<std::vector<float>> Contributions(std::span<const float> rows) const;

 private:
  struct Impl;
  explicit BoostedTrees(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sotto
