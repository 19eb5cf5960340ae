// Whether what a fused search heard can be believed. A language model inside the search turns other speech into
// sentences of the workflow; what gives them away is how much worse they explain the sound than what was heard
// freely does, and how close the best hypothesis with other words comes.
//
// A logistic regression (as brain/calibration.h) over a few features, fitted by `sotto bench ears --fit` on real orders
// at several noise levels and on other speech; the weights stand in ears_judge.cc. Pure functions: any thread.
#pragma once

#include <array>
#include <string>

#include "speech/beam_search.h"

namespace sotto {

struct EarsEvidence {
  double acoustic = 0;     // log-probability a token of the best hypothesis
  double behind_free = 0;  // acoustic of the free hypothesis minus that of the best one, sums, >= 0
  double behind_per_token = 0;
  double margin = 0;          // score of the best minus that of the best with other words, at most kMaxMargin
  double lm = 0;              // log P_LM a token of the best hypothesis
  double tokens = 0;          // of the best hypothesis, the end counted
  bool same_as_free = false;  // the same words

  static constexpr double kMaxMargin = 10;
  static constexpr size_t kCount = 8;  // with the constant
  std::array<double, kCount> Vector() const;
};

// `margin`: see EarsEvidence. REQUIRES: n_best not empty.
EarsEvidence EvidenceOf(const SearchResult& result, double margin, bool same_as_free);

// That the words are right, in [0, 1].
double ProbabilityRight(const EarsEvidence& evidence);
// That it was said to this workflow at all, in [0, 1].
double ProbabilityMeant(const EarsEvidence& evidence);

}  // namespace sotto
