// Spoken text cut into what numbers are made of: one token a word, several for words written together ("5k",
// "twentyone"), none for "uh". Internal to the text layer.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/normalise.h"
#include "text/number_lexicon.h"

namespace sotto {

struct NumberToken {
  NumberPart part = NumberPart::kNone;
  double value = 0;
  std::string_view text;       // the word it was made from; lives as long as the words
  std::string_view digits;     // kNumeral: as written, without its point
  std::string_view currency;   // kCurrency: ISO code; a numeral with a currency sign in front: that one's
  size_t word = 0;             // its index
  int decimals = 0;            // kNumeral: digits behind the point
  bool decimal_comma = false;  // written "45,32"
  bool leading_zero = false;   // kNumeral: "0453"
  bool whole_word = true;      // the word holds nothing else
  bool homophone = false;      // only sounds like a number
  bool blocked = false;        // "one" in "one of my cards": a word here
  bool bare = false;           // kScale: may stand without a number in front; kOh: "zero" said as a word
  bool pause_before = false;   // a comma or the like stands before it
  bool hyphen_before = false;  // "50-60"
};

// With `homophones`, "to" and the like count as digits beside a number word or in a text of at most three
// words, and no word is blocked.
std::vector<NumberToken> TokeniseNumbers(std::span<const NormalisedWord> words, bool homophones);

}  // namespace sotto
