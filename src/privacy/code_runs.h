// Digits and letters that belong together, however they are written or said: "4111 1111-1111", "four five oh
// double two", "forty one eleven", "golf bravo two nine", "n for november". Reads more than the number readers
// of text/ do (those say what a number means; here nothing that might be one digit more may be left out):
// fillers and second thoughts inside a number are parts of it. Words for numbers are those of
// text/number_lexicon.h. Internal to the privacy layer.
#pragma once

#include <string>
#include <vector>

#include "privacy/marked_text.h"

namespace sotto {

// One piece: "4111", "double two", "forty one", "n for november". Words [first, last).
struct CodeElement {
  size_t first = 0;
  size_t last = 0;
  std::string chars;  // digits, or capitals
  bool digits = false;
  bool said = false;      // in words
  bool cardinal = false;  // "two thousand three hundred": a number of its own
};

struct CodeRun {
  std::vector<CodeElement> elements;  // at least one
  bool counted = false;               // money, a measure, a decimal: no code
};

// In order, disjoint, maximal. An element of letters only stands in a run with digits or with three letters
// or more.
std::vector<CodeRun> ReadCodeRuns(const MarkedText& text);

// The digits and capitals of a run. In an IBAN an "o" is the letter where only then its check digits are right.
std::string CodeCharacters(const MarkedText& text, const CodeRun& run);

}  // namespace sotto
