// A small linear classifier of sentences: multinomial logistic regression over words and pairs of words. Its
// file is text, one feature a line, so that a change can be read (docs/formats/language.md):
//
//   sotto sentence model 1
//   labels<TAB>other<TAB>yes
//   bias<TAB>0.2<TAB>-0.2
//   w:sure<TAB>-1.1<TAB>1.1
//
// `sotto language FOLDER` trains it (learn/sentence_trainer.h). Immutable; any thread; about 5 us a sentence.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"

namespace sotto {

// What a sentence shows the model: its words, its pairs of neighbours with the sentence's ends, and the
// beginnings and ends of its words, each once.
std::vector<std::string> SentenceFeatures(std::span<const std::string_view> words);

class SentenceModel {
 public:
  using Weights = std::unordered_map<std::string, std::vector<float>>;  // one weight a label

  SentenceModel() = default;
  // REQUIRES: at least two labels; every weight vector and the bias as long as `labels`.
  SentenceModel(std::vector<std::string> labels, std::vector<float> bias, Weights weights);

  // The error names `source` and the line.
  static Result<SentenceModel> Parse(std::string_view text, std::string_view source);
  std::string ToText() const;

  const std::vector<std::string>& labels() const { return labels_; }
  // Probabilities, one a label.
  std::vector<double> Score(std::span<const std::string_view> words) const;
  // Of one label. 0 where the model has no such label.
  double Probability(std::span<const std::string_view> words, std::string_view label) const;

 private:
  std::vector<std::string> labels_;
  std::vector<float> bias_;
  Weights weights_;
};

}  // namespace sotto
