#include "slm/sampler.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace sotto {

TokenId Argmax(std::span<const float> logits) {
  SOTTO_CHECK(!logits.empty());
  size_t best = 0;
  for (size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best] || std::isnan(logits[best])) best = i;
  }
  return static_cast<TokenId>(best);
}

TokenId Sampler::Next(std::span<const float> logits) {
  if (options_.temperature <= 0) return Argmax(logits);
  candidates_.clear();
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!std::isnan(logits[i])) candidates_.push_back({logits[i], static_cast<TokenId>(i)});
  }
  SOTTO_CHECK(!candidates_.empty());
  const auto higher = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
  };
  size_t count = candidates_.size();
  if (options_.top_k > 0) count = std::min(count, static_cast<size_t>(options_.top_k));
  std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(count),
                    candidates_.end(), higher);
  candidates_.resize(count);

  const double highest = candidates_.front().logit;
  weights_.clear();
  double sum = 0;
  for (const Candidate& candidate : candidates_) {
    weights_.push_back(std::exp(candidate.logit - highest));
    sum += weights_.back();
  }
  if (options_.top_p < 1) {
    double kept = 0;
    size_t keep = 0;
    while (keep < weights_.size() && kept < sum * static_cast<double>(options_.top_p))
      kept += weights_[keep++];
    weights_.resize(std::max<size_t>(keep, 1));
  }
  if (options_.min_p > 0) {
    // The first has weight 1, the rest fall.
    size_t keep = 1;
    while (keep < weights_.size() && weights_[keep] >= static_cast<double>(options_.min_p)) ++keep;
    weights_.resize(keep);
  }

  sum = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    weights_[i] = std::exp((candidates_[i].logit - highest) / static_cast<double>(options_.temperature));
    sum += weights_[i];
  }
  double point = random_.Uniform() * sum;
  for (size_t i = 0; i < weights_.size(); ++i) {
    point -= weights_[i];
    if (point < 0) return candidates_[i].token;
  }
  return candidates_[weights_.size() - 1].token;
}

}  // namespace sotto
