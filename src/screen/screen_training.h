// Trains and measures a screener in the order of time: what is trained on ends `delay_days` before what is measured on
// begins, and what a feature knows of frauds is as old as that.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/json.h"
#include "screen/screener.h"

namespace sotto {

// Payments with the features that they had when they happened. By time.
struct FeatureTable {
  std::vector<float> rows;  // [n, kScreenFeatures]
  std::vector<int64_t> days;
  std::vector<std::string> customers;
  std::vector<FraudLabel> labels;

  size_t size() const { return days.size(); }
};
// `profiles` is left as after the last of them. `progress`, where given, is told what is done.
FeatureTable MakeFeatureTable(std::vector<Payment> payments, Profiles& profiles,
                              const std::function<void(size_t done, size_t total)>& progress = {});

struct ScreenSplit {
  int64_t train_from = 0, train_to = 0;  // days, the last not included
  int64_t test_from = 0, test_to = 0;
};
struct ScreenEvaluation {
  int folds = 1;        // periods one after the other, the last one at the end of the data
  int test_days = 7;    // of each
  int train_days = 90;  // before each, and before the delay; 0: all
  int known_days =
      7;  // cards with a fraud that became known in so many days before are blocked: not measured on
  size_t top_k = 100;
};
// {"folds": [{...}], "average_precision", "auroc", "card_precision"}. kInvalidArgument: not enough days, no frauds.
Result<Json> EvaluateScreen(const FeatureTable& table, const ScreenDeclaration& declaration,
                            const ScreenEvaluation& options,
                            const std::function<void(size_t done, size_t total)>& progress = {});

struct TrainedScreen {
  std::shared_ptr<const BoostedTrees> trees;
  double threshold = 0;
  Json facts;  // rows, frauds, days, the threshold's precision and recall on the days it was chosen on
};
// The threshold is chosen on the last week by trees that did not see it; the trees are then trained on all. Rows without a
// label are left out, and so are the last `delay_days`, whose labels would not be known yet.
Result<TrainedScreen> TrainScreen(const FeatureTable& table, const ScreenDeclaration& declaration);
// Writes trees.ubj, trained.json and card.md.
Result<void> WriteScreen(const TrainedScreen& trained, const ScreenDeclaration& declaration,
                         std::string_view commit);

}  // namespace sotto
