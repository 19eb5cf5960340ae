// How much of the personal data in marked texts is found, and how much is found that is none.
//
// Two measures. By words: each word of the text has a kind or none, in the gold and as found; precision,
// recall and F2 (recall counts twice as much) a kind and over all. By values: the share of marked values every
// letter and digit of which lies in some found span, whatever its kind: what would not have leaked.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "privacy/detector.h"
#include "privacy/marked_examples.h"

namespace sotto {

struct KindScore {
  size_t values = 0;   // marked
  size_t covered = 0;  // of those, wholly within found spans of any kind
  size_t right = 0;    // words of this kind in both
  size_t wrong = 0;    // words found as this kind that are not
  size_t missed = 0;   // words of this kind not found as it

  double Precision() const { return right + wrong == 0 ? 1 : Share(right, right + wrong); }
  double Recall() const { return right + missed == 0 ? 1 : Share(right, right + missed); }
  double F2() const;
  double Coverage() const { return values == 0 ? 1 : Share(covered, values); }
  bool empty() const { return values + wrong == 0; }
  void Add(const KindScore& other);

 private:
  static double Share(size_t part, size_t whole) {
    return static_cast<double>(part) / static_cast<double>(whole);
  }
};

struct PrivacyScore {
  size_t texts = 0;
  std::array<KindScore, kPersonalKinds> kinds;
  std::vector<std::string> missed;  // "kind: the value in: the text", of values that were not covered

  KindScore All() const;
  KindScore Of(KindSet kinds) const;
};

// Adds one text. A date and a birth date are one kind here: the gold sets do not tell them apart.
void ScoreText(const Detector& detector, const MarkedExample& text, PrivacyScore& score);

}  // namespace sotto
