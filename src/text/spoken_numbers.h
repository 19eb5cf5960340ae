// Reads numbers, amounts and digit strings out of spoken words: all readings of all spans, because only the
// reader's context can tell 15.99 from 1599.
//
//   "fifteen ninety nine"          15.99 (amount), 1599 (count), "1599" (digits)
//   "two fifty"                    2.50, 250; and, not maximal, 2 and 50
//   "a grand and a half"           1500
//   "four five three two"          "4532" (digits), 4532 (count)
//   "double seven oh"              "770"
//
// Words that only look like numbers ("to", "for", "one of my cards") are not read unless the caller asks with
// `homophones`, and then only beside a real number word or where hardly anything else was said. Words come
// from text/normalise.h. Pure functions: any thread; linear in practice, about 10 us for 20 words.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sotto {

enum class NumberKind : uint8_t {
  kCount,    // a plain number: "two hundred", "250", "half a million", "2.5"
  kAmount,   // has a currency or is read as units and hundredths: "five dollars", "two fifty" as 2.50
  kDigits,   // a string of digits: `text` keeps leading zeros
  kOrdinal,  // "third", "twenty first", "4th"
};

struct NumberReading {
  NumberKind kind = NumberKind::kCount;
  double value = 0;  // kDigits: the number the digits spell
  std::string text;  // JSON spelling of a number, shortest decimal ("15.99", "200"); kDigits: the digits
  size_t begin = 0;  // the words [begin, end) it was read from
  size_t end = 0;
  bool maximal =
      true;  // no other reading of its family (numbers / digits / ordinals) spans more words around it
  bool homophone = false;  // needed a word that only sounds like a number ("for" as 4)
};

struct NumberOptions {
  // Reads "to/too" as 2, "for" as 4, "won" as 1, "ate" as 8, and "one" in "one of": a number slot was asked
  // for.
  bool homophones = false;
  // 0: digit strings of any length. Otherwise only those of exactly this length, and the last `digits_length`
  // digits of any longer one (card numbers).
  int digits_length = 0;
  bool digits = true;   // kDigits wanted
  bool numbers = true;  // kCount, kAmount, kOrdinal wanted
};

// Ordered by begin, then longer spans first, then kind. No reading twice for a span.
std::vector<NumberReading> ReadNumbers(std::span<const std::string_view> words,
                                       const NumberOptions& options = {});
// Of spoken text (text/normalise.h), words separated by spaces.
std::vector<NumberReading> ReadNumbers(std::string_view spoken_text, const NumberOptions& options = {});

// Shortest decimal that reads back as `value`: "200", "15.99".
std::string NumberText(double value);

}  // namespace sotto
