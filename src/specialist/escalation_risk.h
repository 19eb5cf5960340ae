// How likely a caller is to give up within two turns, from the conversation so far: a logistic regression over a dozen
// features that can be read, with the words for them as data (specialists/escalation_risk/words.txt). Who asks for a
// person in so many words has risk 1: that is a rule and no guess.
//
// The idea and the kinds of features are those of Walker et al. 2002, "Automatically training a problematic dialogue
// predictor for a spoken dialogue system". Immutable after Open; any thread; some 20 us.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "specialist/call_so_far.h"
#include "text/phrase_list.h"

namespace sotto {

inline constexpr size_t kRiskFeatures = 14;
using RiskFeatures = std::array<double, kRiskFeatures>;
// In their order: "constant", "failures in a row", ...
const std::array<std::string_view, kRiskFeatures>& RiskFeatureNames();

// The lists of words.txt. kCorrupt names file and line.
class RiskWords {
 public:
  static Result<RiskWords> Read(const std::filesystem::path& path);
  static Result<RiskWords> Parse(std::string_view text, std::string_view source);

  // "let me talk to a person", and not "I don't want to talk to a person".
  bool AsksForPerson(std::string_view text) const;
  // How many phrases of each list stand in it.
  struct Counts {
    int negative = 0, insists = 0, strong = 0, leaves = 0;
  };
  Counts Count(std::string_view text) const;

 private:
  PhraseList person_, no_person_, negative_, insists_, strong_, leaves_;
};

RiskFeatures ReadRiskFeatures(const RiskWords& words, const CallSoFar& call, std::string_view text);

struct RiskModel {
  RiskFeatures weights{};

  double Risk(const RiskFeatures& features) const;
  // What raises the risk most, the largest first, at most `most`: names of features.
  std::vector<std::string_view> Reasons(const RiskFeatures& features, size_t most) const;

  // feature<TAB>weight a line. kCorrupt names file and line.
  static Result<RiskModel> Read(const std::filesystem::path& path);
  std::string ToText() const;
};

// A moment of a call that was over before it was judged: did the caller give up within two turns?
struct JudgedMoment {
  CallSoFar call;    // before the turn
  std::string text;  // of the turn
  bool gave_up = false;
};

// Area under the ROC curve: the share of pairs (one of each kind) that the scores put in order, ties half. -1 where one
// kind is missing.
double AreaUnderRoc(const std::vector<std::pair<double, bool>>& scored);

}  // namespace sotto
