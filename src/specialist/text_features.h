// A text as numbers that a linear classifier reads: words and pairs of words, runs of letters within words
// (prefixes, endings, misspellings), and what it means (embed/sentence_encoder.h).
//
// The spoken form of the text (text/normalise.h) is what is read. A feature is known by a 32-bit hash, so a
// model holds no text; two features of one hash count as one. A value is (1 + ln count) * idf, and each of the
// two groups, words and letters, has length 1 times its weight; a group without a known feature is zero.
//
// Immutable after Fit() or FromParts(); any thread.
// Source: Salton and Buckley 1988 (tf-idf); scikit-learn's TfidfVectorizer ("char_wb").
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"

namespace sotto {

struct FeatureOptions {
  int words = 2;                // longest run of words; 0: none
  int letters_min = 2;          // runs of letters within a word and the blanks around it
  int letters_max = 5;          // 0: none
  float letters_weight = 1.0f;  // of the group of letters against that of words
  float meaning_weight = 1.0f;  // of the encoder's vector; 0: without the encoder
  int least_texts = 2;          // of the training data that must have a feature
  int most = 24000;             // features kept: those of the most texts

  bool operator==(const FeatureOptions&) const = default;
};

// Features of one text: indices ascending, each once.
struct SparseVector {
  std::vector<uint32_t> indices;
  std::vector<float> values;
};

// The hashes of a text's features, words' and letters', with their counts.
struct CountedFeatures {
  std::unordered_map<uint32_t, int> words;
  std::unordered_map<uint32_t, int> letters;
};
CountedFeatures CountFeatures(std::string_view text, const FeatureOptions& options);

class TextFeatures {
 public:
  // What the texts have, and how rare it is.
  static TextFeatures Fit(std::span<const std::string> texts, const FeatureOptions& options);
  // kCorrupt: hashes that do not ascend, not as many idfs as hashes, an idf that is not finite.
  static Result<TextFeatures> FromParts(const FeatureOptions& options, std::vector<uint32_t> hashes,
                                        std::vector<float> idfs);

  const FeatureOptions& options() const { return options_; }
  size_t size() const { return hashes_.size(); }
  std::span<const uint32_t> hashes() const { return hashes_; }
  std::span<const float> idfs() const { return idfs_; }

  SparseVector Transform(std::string_view text) const;

 private:
  FeatureOptions options_;
  std::vector<uint32_t> hashes_;  // ascending
  std::vector<float> idfs_;       // of each
  std::unordered_map<uint32_t, uint32_t> index_;
};

}  // namespace sotto
