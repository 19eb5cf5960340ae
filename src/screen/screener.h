// Screens payments: boosted trees over behavioural features (profiles.h), rules of the house beside them, and reasons in
// words with every flag. A folder holds one (docs/formats/screen.md):
//
//   screen.yaml   its name, the delay of labels, the alert budget, the rules; by hand
//   trees.ubj     the trees; `sotto screen train` writes it and the next two
//   trained.json  the threshold and what the trees were trained and measured on
//   card.md
//
// Immutable but for the profiles, which the caller holds: any thread with profiles of its own.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "screen/boosted_trees.h"
#include "screen/profiles.h"
#include "workflow/rule.h"

namespace sotto {

// What to do with a payment, the mildest first.
enum class ScreenAction { kPass, kReview, kStepUp, kHold };
std::string_view ScreenActionName(ScreenAction action);  // "step_up"

struct ScreenRule {
  std::string name;
  std::string when;  // workflow/rule.h over the names of features
  ScreenAction then = ScreenAction::kReview;
  std::string say;  // the reason, in words
  int line = 0;
};

struct ScreenDeclaration {
  std::filesystem::path folder;
  std::string name;
  std::string origin;  // of the payments that it is trained on: for the card
  int delay_days = 7;
  double alerts_a_day = 100;                     // that people can look at: chooses the threshold
  ScreenAction flagged = ScreenAction::kReview;  // what the trees' threshold does
  std::vector<ScreenRule> rules;
  BoostingOptions trees;

  std::filesystem::path file() const { return folder / "screen.yaml"; }
};
// The first mistake with file and line: an unknown key, a rule over something that is no feature.
Result<ScreenDeclaration> ReadScreenDeclaration(const std::filesystem::path& folder);

struct ScreenVerdict {
  double score = 0;  // of the trees: probability of fraud
  ScreenAction action = ScreenAction::kPass;
  std::vector<std::string> reasons;  // of what is not passed: rules first, then what the trees saw
};

class Screener {
 public:
  static Result<std::shared_ptr<const Screener>> Open(const std::filesystem::path& folder);

  // One verdict a payment, in their order; `profiles` remembers them.
  Result<std::vector<ScreenVerdict>> Check(std::span<const Payment> payments, Profiles& profiles) const;
  // Of features that were read before: [n, kScreenFeatures].
  Result<std::vector<ScreenVerdict>> Judge(std::span<const float> rows) const;

  double threshold() const { return threshold_; }
  const ScreenDeclaration& declaration() const { return declaration_; }

 private:
  Screener() = default;

  ScreenDeclaration declaration_;
  std::vector<Rule> rules_;  // as declaration_.rules
  std::shared_ptr<const BoostedTrees> trees_;
  double threshold_ = 0;
};

// What the feature says of a payment, in words; "" where its value says nothing unusual.
std::string FeatureInWords(size_t feature, float value);
// The features that raised the log-odds most, in words, the largest first. contributions [kScreenFeatures + 1].
std::vector<std::string> ReasonsOf(std::span<const float> features, std::span<const float> contributions,
                                   size_t most);

}  // namespace sotto
