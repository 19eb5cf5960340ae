// A trigram language model counted from weighted sentences and written as ARPA text, the form that
// PocketSphinx and most recognizers read.
//
// Smoothing is Witten-Bell, interpolated: P(w|h) = (c(hw) + T(h) P(w|h')) / (c(h) + T(h)), T(h) the number of
// different words seen after h (Witten & Bell 1991). It needs no held-out data and works with fractional
// weights; on domain text the breadth of the sentences matters, the smoothing does not.
// One thread; a value.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"

namespace sotto {

class NgramCounts {
 public:
  NgramCounts();

  // `words` of one sentence, without markers. Weights are like repetitions: 2 counts twice.
  void Add(std::span<const std::string> words, double weight = 1);
  // The same with words split at spaces.
  void Add(std::string_view sentence, double weight = 1);

  // Every word, without the sentence markers, in order of first appearance.
  std::vector<std::string> Vocabulary() const;
  bool empty() const { return total_weight_ == 0; }
  // Sum of the weights of all sentences.
  double total_weight() const { return total_weight_; }

  // log10 P(word | history), history at most two words, oldest first; for tests and for scoring hypotheses.
  // Unknown words count as unseen: the uniform share of the unigram.
  double LogProbability(std::span<const std::string> history, std::string_view word) const;

  Result<void> WriteArpa(const std::filesystem::path& path) const;

 private:
  using Key = std::uint64_t;  // up to three word ids of 21 bits, oldest in the highest bits
  struct Context {
    double count = 0;
    int types = 0;
  };

  int Id(std::string_view word);
  int FindId(std::string_view word) const;
  void Count(std::span<const int> ids, double weight);
  double Unigram(int word) const;
  double Bigram(int previous, int word) const;
  double Trigram(int before, int previous, int word) const;
  double BackOffAfterOne(int previous) const;
  double BackOffAfterTwo(Key context) const;

  std::vector<std::string> words_;  // 0 is <s>, 1 is </s>
  std::unordered_map<std::string, int> ids_;
  std::vector<double> unigram_;
  double unigram_total_ = 0;
  std::unordered_map<Key, double> bigrams_;
  std::unordered_map<Key, double> trigrams_;
  std::unordered_map<Key, Context> bigram_contexts_;   // one word
  std::unordered_map<Key, Context> trigram_contexts_;  // two words
  double total_weight_ = 0;
};

}  // namespace sotto
