#include "slm/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace sotto {

TokenId Argmax(std::span<const float> logits) {
  SOTTO_CHECK(!logits.empty());
  // The largest of each block, 16 lanes side by side so that the compiler uses vector registers; a comparison
  // with NaN is false and keeps the lane.
  constexpr size_t kBlock = 1024;
  constexpr size_t kLanes = 16;
  float best = -std::numeric_limits<float>::infinity();
  size_t best_block = 0;
  for (size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const float* block = logits.data() + begin;
    const size_t size = std::min(kBlock, logits.size() - begin);
    float lanes[kLanes];
    std::fill_n(lanes, kLanes, -std::numeric_limits<float>::infinity());
    size_t i = 0;
    for (; i + kLanes <= size; i += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane)
        lanes[lane] = block[i + lane] > lanes[lane] ? block[i + lane] : lanes[lane];
    }
    for (; i < size; ++i) lanes[0] = block[i] > lanes[0] ? block[i] : lanes[0];
    const float largest = *std::max_element(lanes, lanes + kLanes);
    if (largest > best) {
      best = largest;
      best_block = begin;
    }
  }
  const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(best_block);
  const auto found = std::find(begin, logits.end(), best);
  return found == logits.end() ? 0 : static_cast<TokenId>(found - logits.begin());
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
