#include "speech/ears_judge.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/logistic.h"

namespace sotto {
namespace {

using Weights = std::array<double, EarsEvidence::kCount>;

double Logistic(const Weights& weights, const EarsEvidence& evidence) {
  const Weights features = evidence.Vector();
  const double score = std::inner_product(weights.begin(), weights.end(), features.begin(), 0.0);
  return std::isnan(score) ? 0 : Sigmoid(score);
}

// Of `sotto bench ears --fit` on 100 orders at 6 and 12 dB and 104 single words and digits (areas under the curve .90 and
// .9998), with what these recordings cannot say taken out: other speech is not always short, and values (digits,
// names) are never probable.
constexpr Weights kRight = {-0.4, 0.8, 0.0, -1.2, 0.45, 0.0, 0.8, 0.0};
constexpr Weights kMeant = {4.0, 1.0, 0.0, -2.0, 0.2, 1.0, 1.5, 0.0};

}  // namespace

std::array<double, EarsEvidence::kCount> EarsEvidence::Vector() const {
  return {1.0,    acoustic, std::min(behind_free, 40.0), std::min(behind_per_token, 4.0),
          margin, lm,       std::min(tokens, 30.0) / 10, same_as_free ? 1.0 : 0.0};
}

EarsEvidence EvidenceOf(const SearchResult& result, double margin, bool same_as_free) {
  const SearchHypothesis& best = result.n_best.front();
  const auto n = static_cast<double>(std::max<size_t>(best.log_probs.size(), 1));
  EarsEvidence evidence;
  evidence.acoustic = best.AcousticPerToken();
  if (!result.free.log_probs.empty()) {
    evidence.behind_free = std::max(0.0, result.free.acoustic - best.acoustic);
  }
  evidence.behind_per_token = evidence.behind_free / n;
  evidence.margin = std::clamp(margin, 0.0, EarsEvidence::kMaxMargin);
  evidence.lm = best.lm / n;
  evidence.tokens = n;
  evidence.same_as_free = same_as_free;
  return evidence;
}

double ProbabilityRight(const EarsEvidence& evidence) { return Logistic(kRight, evidence); }
double ProbabilityMeant(const EarsEvidence& evidence) { return Logistic(kMeant, evidence); }

}  // namespace sotto
