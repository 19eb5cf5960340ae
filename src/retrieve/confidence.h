// How sure an answer is: the probability that the question is about what the documents hold.
//
// Signs do not depend on how large the documents are, so that one model fits all: fitted by `sotto bench retrieve --fit` on
// questions of one set of documents against questions of other domains (docs/adr/0043).
#pragma once

#include <array>
#include <cstddef>

namespace sotto {

struct AnswerSigns {
  // Of the question's terms by how rare they are; terms nobody has count most.
  double passage = 0;  // covered by the best passage with its title and headings, 0..1
  double unknown = 0;  // that no passage has
  double mass = 0;     // ln(1 + what the best passage covers, in terms as rare as terms can be)
  double score = 0;    // ln(1 + BM25 of the best passage, in the same measure)
  double meaning = 0;  // the highest cosine of the passages shown
  // How much more common the terms are here than in everyday questions (retrieve/question_words.h): ln of the ratio,
  // -4..4; the mean, and the sum in fours. Figures are left out.
  double special = 0;
  double specials = 0;

  static constexpr size_t kSize = 8;
  std::array<double, kSize> Row() const {
    return {1, passage, unknown, mass, score, meaning, special, specials};
  }
};

double AnswerConfidence(const AnswerSigns& signs);

// Below it nothing is answered.
inline constexpr double kAnswerThreshold = 0.5;

}  // namespace sotto
