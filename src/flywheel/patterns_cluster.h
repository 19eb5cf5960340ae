// Texts that say the same, as clusters: words and letters (TF-IDF, specialist/text_features.h) and, where the
// sentence encoder is installed, what they mean (embed/sentence_encoder.h). Average linkage by nearest-neighbour
// chains (Murtagh 1983), weighted by how often each text was said; deterministic.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "embed/sentence_encoder.h"
#include "specialist/text_features.h"

namespace sotto {

class TextSpace {
 public:
  // `encoder` may be null. The texts are what the features are fitted on.
  TextSpace(const std::vector<std::string>& texts, const SentenceEncoder* encoder);

  size_t size() const { return sparse_.size(); }
  // 0..1.
  double Similarity(size_t a, size_t b) const;

 private:
  std::vector<SparseVector> sparse_;  // each of length 1, or empty
  std::vector<float> dense_;          // [size, SentenceEncoder::kSize]; empty: no encoder
};

// Similarity from which clusters are joined, with and without the encoder: of like requests in other words
// most, of other requests few.
inline constexpr double kJoinWithEncoder = 0.5;
inline constexpr double kJoinWithoutEncoder = 0.3;

// Indices of the texts in each cluster, the heaviest cluster first and in it the heaviest text. weights.size()
// == space.size(), all > 0. O(n^2) time and memory.
std::vector<std::vector<size_t>> ClusterTexts(const TextSpace& space, const std::vector<double>& weights,
                                              double join);

}  // namespace sotto
