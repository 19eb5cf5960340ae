// What each word may contribute to a number: the lexicon behind text/spoken_numbers.h. Internal to the text
// layer.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sotto {

struct NumberWord {
  enum class Type : uint8_t {
    kNone,
    kUnit,      // 0..9, also homophones
    kTeen,      // 10..19
    kTens,      // 20, 30, ..., 90
    kHundred,   //
    kScale,     // thousand, k, grand, dozen, million, ...
    kNumeral,   // written in digits
    kOh,        // "oh": a zero among digits
    kArticle,   // "a", "an"
    kAnd,       //
    kOf,        //
    kHalf,      //
    kQuarter,   //
    kQuarters,  //
    kCouple,    //
    kPoint,     //
    kCurrency,  // dollars, bucks
    kCents,     //
    kRepeat,    // double, triple: of the next digit
    kDash,      // said between digits
    kOrdinal,   // first, 4th
  };
  Type type = Type::kNone;
  double value = 0;
  std::string_view digits;    // kNumeral: as written, without point; lives as long as the words
  bool has_point = false;     // kNumeral
  bool leading_zero = false;  // kNumeral: "0453"
  bool plain = false;         // kNumeral: digits only
  bool money = false;         // kNumeral with a currency glued on: "20usd"
  bool homophone = false;     // only sounds like a number
  bool blocked = false;       // "one" in "one of my cards": a word here
  bool bare = false;  // kScale: may stand without a number in front; kOh: "zero" said as a word of its own
};

// One entry a word. With `homophones`, "to" and the like count as digits beside a number word or in a text of
// at most three words, and no word is blocked.
std::vector<NumberWord> ClassifyNumberWords(std::span<const std::string_view> words, bool homophones);

}  // namespace sotto
