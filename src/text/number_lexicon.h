// The words that numbers are made of and the words around them, as a language's data file has them
// (languages/en/numbers.tsv, compiled in). Internal to the text layer. Immutable after the first use; any
// thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "text/phrase_list.h"

namespace sotto {

// What a word is inside a number.
enum class NumberPart : uint8_t {
  kNone,
  kUnit,         // 0..9
  kTeen,         // 10..19
  kTens,         // 20, 30, ..., 90
  kHundred,      //
  kScale,        // thousand, k, grand, dozen, million, ...
  kHundreds,     // hundreds, thousands: a number behind a number, vague without one
  kNumeral,      // written in digits
  kOh,           // "oh": a zero among digits
  kArticle,      // "a", "an"
  kAnd,          //
  kOf,           //
  kHalf,         //
  kQuarter,      //
  kDenominator,  // quarters, thirds
  kCouple,       //
  kVague,        // few, several
  kPoint,        //
  kMinus,        //
  kPercent,      //
  kCurrency,     // dollars, bucks
  kCoin,         // cents, dimes: value is the part of the unit
  kNote,         // fiver, tenner
  kBill,         // "bill", "notes": behind the value of one
  kPlural,       // "nines": digits; "twenties": notes
  kRepeat,       // double, triple: of the next digit
  kDash,         // said between digits
  kThen,         // said between digits
  kOrdinal,      // first, 4th
  kMeasure,      // glued to a figure: "30gb"
};

// Words around numbers that say how they are meant.
enum class NumberCue : uint8_t {
  kMeasure,        // months, cards: what is counted is no amount
  kBeforeOne,      // "one" is a word behind these
  kAfterOne,       // and before these
  kBeforeSecond,   // "second" is a time behind these
  kFiller,         // uh
  kAdjective,      // a cool hundred
  kOr,             // or, maybe
  kRange,          // to, till
  kBetween,        //
  kCorrect,        // no, sorry, actually: what stood before is taken back
  kCorrectFiller,  // may stand beside those
  kNot,            // what follows is taken back
  kNotFiller,      //
  kInsteadOf,      // the same, several words
  kChangeFrom,     // change from 50 to 60
  kMonth,          //
  kAnswerFiller,   // says nothing beside a number that was asked for: it's, please
  kConclude,       // so, altogether: the number behind is what all before come to
  kFurther,        // also, another: the number behind is one more
  kScopeFiller,    // may stand between a phrase below and its number: it was, is
  kCount,
};

// The same, of several words.
enum class NumberPhrase : uint8_t {
  kFiller,          // inside a number: "three hundred and you know seventy five"
  kCorrect,         // strike that, on second thought: as NumberCue::kCorrect
  kVagueBefore,     // up to, more than: no exact number follows
  kKeptBefore,      // keep, so that i have: with one of the next behind the number it is what stays
  kKeptAfter,       // left, in the
  kVagueAfter,      // odd, and change: the number before was none
  kNameBefore,      // unit, policy, ending in: the number behind is a name
  kSecretBefore,    // pin, passcode is: the digits behind are that and nothing else
  kLongNameBefore,  // account, reference: a number behind of five digits and more is a name
  kAsideBefore,     // last month it was, i have: told beside the number that is meant
  kAsideAfter,      // yesterday, already
  kCount,
};

class NumberLexicon {
 public:
  struct Entry {
    NumberPart part = NumberPart::kNone;
    double value = 0;
    std::string currency;  // kCurrency: ISO code
    bool bare = false;     // kScale: may stand without a number in front
  };

  static const NumberLexicon& English();

  // Null where the word is nothing of the kind.
  const Entry* Find(std::string_view word) const { return Find(parts_, word); }
  const Entry* FindSuffix(std::string_view word) const { return Find(suffixes_, word); }
  // A slip of the keyboard in a number word or a currency ("eigthy", "hundered"): one letter too many, too few,
  // wrong or swapped, at least four letters, no ordinary word of the language, and near to one number only.
  const Entry* FindSlip(std::string_view word) const;
  const Entry* FindHomophone(std::string_view word) const { return Find(homophones_, word); }
  bool Is(NumberCue cue, std::string_view word) const {
    return cues_[static_cast<size_t>(cue)].contains(word);
  }
  const PhraseList& Phrases(NumberPhrase which) const { return phrases_[static_cast<size_t>(which)]; }
  // Words of more than one word: "instead of".
  bool EndsWithInsteadOf(std::span<const std::string_view> words) const;

 private:
  using Map = std::unordered_map<std::string_view, Entry>;
  explicit NumberLexicon(std::string_view data);
  void AddLine(std::string_view line, int number);
  static const Entry* Find(const Map& map, std::string_view word) {
    const auto found = map.find(word);
    return found == map.end() ? nullptr : &found->second;
  }

  Map parts_;
  Map suffixes_;
  Map homophones_;
  std::unordered_set<std::string_view> cues_[static_cast<size_t>(NumberCue::kCount)];
  std::vector<std::vector<std::string_view>> instead_of_;
  PhraseList phrases_[static_cast<size_t>(NumberPhrase::kCount)];
};

}  // namespace sotto
