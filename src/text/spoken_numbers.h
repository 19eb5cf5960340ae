// Reads numbers, amounts and digit strings out of what was said or typed. A number owns its words: nothing
// smaller is read inside it, except where only the reader's context can tell one figure from two.
//
//   "fifteen ninety nine"          15.99 (amount) or 1599 (count), by position; "1599" (digits)
//   "two and a half grand"         2500
//   "a buck twenty five"           1.25 USD
//   "eighty cents", "50c"          0.8, 0.5
//   "minus fifty"                  -50
//   "twelve thousand three fifty"  12350
//   "three or four hundred"        300, 400: alternatives, neither was chosen
//   "not ninety, nineteen"         90 taken back, 19
//   "four five three two"          "4532" (digits), 4532 (count)
//   "three nines and a one"        "9991"
//
// Words that only look like numbers ("one of my cards", "wait a second") are not read. Words that only sound
// like numbers ("to", "for") are read where the caller asks with `homophones` (speech, not typed text), and
// never against a number that was said in plain words. The words of a language are data:
// languages/en/numbers.tsv. Pure functions: any thread; linear in practice, about 10 us for 20 words.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/normalise.h"

namespace sotto {

enum class NumberKind : uint8_t {
  kCount,    // a plain number: "two hundred", "250", "half a million", "2.5"
  kAmount,   // has a currency or is read as units and hundredths: "five dollars", "two fifty" as 2.50
  kDigits,   // a string of digits: `text` keeps leading zeros
  kOrdinal,  // "third", "twenty first", "4th"
  kPercent,  // "ten percent"
};

// How plainly the words say the number.
enum class NumberForm : uint8_t {
  kPlain,     // they say this and nothing else
  kPosition,  // by position, one of several: "two fifty"
  kSpelled,   // digit by digit: "two zero zero"
};

// What became of it in the sentence.
enum class NumberStanding : uint8_t {
  kSaid,
  kAlternative,  // one of several without a choice, or vague: "fifty or sixty", "30 to 40", "a few hundred"
  kTakenBack,    // "not ninety", "fifty, sorry, fifteen"
};

struct NumberReading {
  NumberKind kind = NumberKind::kCount;
  double value = 0;  // kDigits: the number the digits spell
  std::string text;  // JSON spelling of a number, shortest decimal ("15.99", "200"); kDigits: the digits
  size_t begin = 0;  // the words [begin, end) it was read from
  size_t end = 0;
  std::string currency;  // kAmount: the ISO code that was said; empty: none, or coins
  std::string unit;      // what is counted, where it is no money: "months"
  NumberForm form = NumberForm::kPlain;
  NumberStanding standing = NumberStanding::kSaid;
  // Not inside a longer reading of its family (numbers / digits / ordinals).
  bool maximal = true;
  bool secret = false;     // said as one: "my pin is 1234"
  bool homophone = false;  // needed a word that only sounds like a number ("for" as 4)
};

struct NumberOptions {
  // Reads "to/too" as 2, "for" as 4, "won" as 1, "ate" as 8, and "one" in "one of".
  bool homophones = false;
  // 0: digit strings of any length. Otherwise only those of exactly this length, and the last `digits_length`
  // digits of any longer one (card numbers).
  int digits_length = 0;
  bool digits = true;   // kDigits wanted
  bool numbers = true;  // the other kinds wanted
};

// Ordered by begin, then longer spans first, then kind. No reading twice for a span. `words` with their
// marks: NormaliseSpokenWords of the user's own text.
std::vector<NumberReading> ReadNumbers(std::span<const NormalisedWord> words,
                                       const NumberOptions& options = {});
// Words without marks.
std::vector<NumberReading> ReadNumbers(std::span<const std::string_view> words,
                                       const NumberOptions& options = {});
// Of any text; begin and end count the words of NormaliseSpokenWords(text).
std::vector<NumberReading> ReadNumbers(std::string_view text, const NumberOptions& options = {});

// A word that says nothing beside a number that was asked for: "it's", "please".
bool IsAnswerFiller(std::string_view word);

// Shortest decimal that reads back as `value`: "200", "15.99".
std::string NumberText(double value);

}  // namespace sotto
