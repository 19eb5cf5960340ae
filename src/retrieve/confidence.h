// How sure an answer is: the probability that the question is about what the documents hold.
//
// Signs are shares that do not depend on how large the documents are, so that one model fits all: fitted by `sotto bench
// retrieve --fit` on questions of one set of documents against questions of other domains (docs/adr/0028).
#pragma once

#include <array>
#include <cstddef>

namespace sotto {

struct AnswerSigns {
  // Of the question's terms by how rare they are; terms nobody has count most.
  double passage = 0;   // covered by the best passage with its title and headings, 0..1
  double quote = 0;     // covered by the answer with its headings and title
  double words = 0;     // BM25 of the best passage, of what a passage could have
  double meaning = 0;   // cosine of the best passage
  double unknown = 0;   // that no passage has
  double pair = 0;      // pairs of the question's neighbouring terms that stand near each other in the passage
  double mass = 0;      // ln(1 + what the best passage covers, in terms as rare as terms can be)
  double score = 0;     // ln(1 + BM25 of the best passage, in the same measure)

  static constexpr size_t kSize = 9;
  std::array<double, kSize> Row() const {
    return {1, passage, quote, words, meaning, unknown, pair, mass, score};
  }
};

double AnswerConfidence(const AnswerSigns& signs);

// Below it nothing is answered.
inline constexpr double kAnswerThreshold = 0.5;

}  // namespace sotto
