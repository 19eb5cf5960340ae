// Numbers as they are built of words: the grammar behind text/spoken_numbers.h. Every function reads from
// token `b` and says how far it came. Internal to the text layer; pure.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "text/number_words.h"

namespace sotto {

// A number read from the tokens [b, end).
struct NumberParse {
  size_t end = 0;  // 0: no number
  double value = 0;
  bool homophone = false;
  bool vague = false;  // "a few hundred"
  bool ok() const { return end > 0; }
};

struct MoneyParse {
  size_t end = 0;
  double value = 0;
  std::string_view currency;  // ISO code; "": coins, notes
  bool homophone = false;
  bool ok() const { return end > 0; }
};

class NumberGrammar {
 public:
  static constexpr double kLargest = 1e15;

  explicit NumberGrammar(std::span<const NumberToken> tokens) : tokens_(tokens) {}

  size_t size() const { return tokens_.size(); }
  // The same without what stands from token `end` on.
  NumberGrammar Until(size_t end) const { return NumberGrammar(tokens_.first(end)); }
  const NumberToken& At(size_t i) const {
    static const NumberToken kNone;
    return i < tokens_.size() ? tokens_[i] : kNone;
  }
  bool Is(size_t i, NumberPart part) const { return At(i).part == part; }
  // A digit said or written alone.
  bool IsSingleDigit(size_t i) const;
  // May a number begin here?
  bool Starts(size_t b) const;
  // Does the word at `i` multiply what stands before it?
  bool BindsOn(size_t i) const { return Is(i, NumberPart::kHundred) || Is(i, NumberPart::kScale); }

  // 0..99: "seven", "seventeen", "seventy seven"; a numeral below 100 without a point.
  NumberParse Below100(size_t b) const;
  // "one million two hundred thousand and five", "twelve thousand three fifty", "two and a half grand",
  // "half a million", "three hundred oh two", "1.5 million", "10 000".
  NumberParse Cardinal(size_t b) const;
  // Two more places: "fifty" in "two fifty", "oh five" in "nineteen oh five", the 99 of "15 99".
  NumberParse Tail(size_t b) const;
  // "third", "twenty first", "one hundred and fifth".
  NumberParse Ordinal(size_t b) const;
  // "one five point nine nine", "two zero zero": digit by digit, at least two.
  NumberParse Spelled(size_t b) const;

  // Money in words: "five dollars fifty", "a buck twenty five", "eighty cents", "a fiver", "three twenty
  // dollar bills". `number`: a number that ends before the currency (not ok: none, as in "a dollar").
  MoneyParse Money(size_t b, const NumberParse& number) const;
  // `number` without a currency and cents behind it: "sixty four and ninety nine cents".
  MoneyParse AndCents(const NumberParse& number) const;
  // "three twenty dollar bills", "ten fives", "a couple of twenties", "a tenner".
  MoneyParse Notes(size_t b) const;
  // "dollars fifty", "dollars and five cents", "bucks five": `at` is the currency behind `number`.
  MoneyParse WithCents(size_t at, const NumberParse& number, std::string_view currency) const;

 private:
  NumberParse Multiplier(size_t b) const;
  NumberParse Fraction(size_t b, double value) const;
  NumberParse Hundreds(size_t b) const;
  NumberParse AfterHundred(NumberParse parse) const;
  NumberParse ShortHundred(size_t b) const;
  NumberParse SpacedGroups(size_t b) const;
  NumberParse Group(size_t b, bool first) const;
  NumberParse WithDecimals(size_t b, NumberParse group) const;
  NumberParse AndFraction(size_t b, double of) const;
  NumberParse Count(size_t b) const;
  std::pair<std::string, size_t> DecimalDigits(size_t b) const;
  NumberParse TwoDigits(size_t b) const;

  std::span<const NumberToken> tokens_;
};

// Where dictated digits follow, the number in front of the first of them: "two hundred | four five three
// two".
NumberParse BeforeDigits(const NumberGrammar& grammar, size_t b, const NumberParse& number);

double ToDouble(std::string_view text);
inline double Hundredths(double whole, double hundredths) { return (whole * 100 + hundredths) / 100; }

}  // namespace sotto
