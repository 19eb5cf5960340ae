#include "flywheel/patterns_cluster.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/check.h"

namespace sotto {
namespace {

FeatureOptions ClusterFeatures() {
  FeatureOptions options;
  options.words = 2;
  options.letters_min = 3;
  options.letters_max = 5;
  options.least_texts = 1;
  return options;
}

double SparseDot(const SparseVector& a, const SparseVector& b) {
  double sum = 0;
  for (size_t i = 0, j = 0; i < a.indices.size() && j < b.indices.size();) {
    if (a.indices[i] == b.indices[j]) {
      sum += static_cast<double>(a.values[i++]) * static_cast<double>(b.values[j++]);
    } else if (a.indices[i] < b.indices[j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return sum;
}

// The state of the linkage: similarities between clusters that are still open.
class Linkage {
 public:
  Linkage(const TextSpace& space, const std::vector<double>& weights, double join)
      : n_(space.size()), join_(join), similarity_(n_ * n_), weights_(weights), parent_(n_), open_(n_, true) {
    std::iota(parent_.begin(), parent_.end(), size_t{0});
    for (size_t a = 0; a < n_; ++a)
      for (size_t b = a + 1; b < n_; ++b) At(a, b) = At(b, a) = static_cast<float>(space.Similarity(a, b));
  }

  void Run() {
    std::vector<size_t> chain;
    for (size_t first = 0; first < n_;) {
      if (chain.empty()) {
        if (!open_[first]) {
          ++first;
          continue;
        }
        chain.push_back(first);
      }
      const size_t at = chain.back();
      const size_t before = chain.size() > 1 ? chain[chain.size() - 2] : n_;
      const size_t best = Nearest(at, before);
      if (best == n_ || static_cast<double>(At(at, best)) < join_) {
        open_[at] = false;  // nothing that is joined later comes nearer
        chain.pop_back();
      } else if (best == before) {
        chain.resize(chain.size() - 2);
        Join(at, best);
      } else {
        chain.push_back(best);
      }
    }
  }

  size_t RootOf(size_t text) {
    while (parent_[text] != text) text = parent_[text] = parent_[parent_[text]];
    return text;
  }

 private:
  float& At(size_t a, size_t b) { return similarity_[a * n_ + b]; }

  size_t Nearest(size_t at, size_t before) {
    size_t best = before;  // of equals the one that it came from, so that chains end
    for (size_t other = 0; other < n_; ++other) {
      if (other == at || !open_[other]) continue;
      if (best == n_ || At(at, other) > At(at, best)) best = other;
    }
    return best;
  }

  void Join(size_t a, size_t b) {
    const double sum = weights_[a] + weights_[b];
    for (size_t other = 0; other < n_; ++other) {
      if (!open_[other] || other == a || other == b) continue;
      const double joined = (weights_[a] * static_cast<double>(At(a, other)) +
                             weights_[b] * static_cast<double>(At(b, other))) /
                            sum;
      At(a, other) = At(other, a) = static_cast<float>(joined);
    }
    weights_[a] = sum;
    open_[b] = false;
    parent_[b] = a;
  }

  const size_t n_;
  const double join_;
  std::vector<float> similarity_;
  std::vector<double> weights_;
  std::vector<size_t> parent_;
  std::vector<bool> open_;
};

}  // namespace

TextSpace::TextSpace(const std::vector<std::string>& texts, const SentenceEncoder* encoder) {
  if (texts.empty()) return;
  const TextFeatures features = TextFeatures::Fit(texts, ClusterFeatures());
  for (const std::string& text : texts) {
    SparseVector vector = features.Transform(text);
    double length = 0;
    for (const float value : vector.values) length += static_cast<double>(value) * static_cast<double>(value);
    for (float& value : vector.values) value /= static_cast<float>(std::sqrt(length));
    sparse_.push_back(std::move(vector));
  }
  if (encoder != nullptr) dense_ = encoder->EncodeMany(texts);
}

double TextSpace::Similarity(size_t a, size_t b) const {
  const double words = std::clamp(SparseDot(sparse_[a], sparse_[b]), 0.0, 1.0);
  if (dense_.empty()) return words;
  constexpr size_t kSize = SentenceEncoder::kSize;
  const double meaning = Cosine({dense_.data() + a * kSize, kSize}, {dense_.data() + b * kSize, kSize});
  return (words + std::clamp(meaning, 0.0, 1.0)) / 2;
}

std::vector<std::vector<size_t>> ClusterTexts(const TextSpace& space, const std::vector<double>& weights,
                                              double join) {
  SOTTO_CHECK(weights.size() == space.size());
  Linkage linkage(space, weights, join);
  linkage.Run();
  std::map<size_t, std::vector<size_t>> members;
  for (size_t text = 0; text < space.size(); ++text) members[linkage.RootOf(text)].push_back(text);
  std::vector<std::pair<double, std::vector<size_t>>> ordered;
  for (auto& [root, texts] : members) {
    double weight = 0;
    for (const size_t text : texts) weight += weights[text];
    std::stable_sort(texts.begin(), texts.end(), [&](size_t a, size_t b) { return weights[a] > weights[b]; });
    ordered.emplace_back(weight, std::move(texts));
  }
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::vector<size_t>> clusters;
  for (auto& [weight, texts] : ordered) clusters.push_back(std::move(texts));
  return clusters;
}

}  // namespace sotto
