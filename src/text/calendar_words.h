// What each word may mean to the calendar: the lexicon and the small numbers that days, times, lengths and
// ranges are read with. Internal to the text layer. English; the words of another language go beside these.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/normalise.h"
#include "text/spoken_numbers.h"

namespace sotto {

enum class CalendarUnit { kMinute, kHour, kDay, kBusinessDay, kWeek, kMonth, kQuarter, kYear };

// A text's words with what stood between them. The text and the words must outlive it.
class CalendarWords {
 public:
  CalendarWords(std::string_view text, std::span<const NormalisedWord> words);

  size_t size() const { return words_.size(); }
  // Empty past the end.
  std::string_view At(size_t i) const { return i < words_.size() ? std::string_view(words_[i].text) : ""; }
  bool Is(size_t i, std::initializer_list<std::string_view> any) const;
  // How many words of `phrase` (separated by single spaces) stand at i: all of them, or 0.
  size_t Phrase(size_t i, std::string_view phrase) const;
  // The longest of several.
  size_t Phrase(size_t i, std::initializer_list<std::string_view> phrases) const;
  // i, behind a word that may or may not stand there.
  size_t Skip(size_t i, std::initializer_list<std::string_view> optional) const {
    return Is(i, optional) ? i + 1 : i;
  }
  // The one character between words i and i + 1; ' ' where more stands there.
  char Joiner(size_t i) const;
  // "3 - 5", "3-5", "3–5".
  bool Dash(size_t i) const;
  // A mark that ends a clause stands behind word i, or it is the last.
  bool EndsClause(size_t i) const;

  // What is said from word i to before `end`.
  struct Number {
    int value = 0;
    size_t end = 0;
  };
  // The longest whole number of low..high at i ("3", "thirty one").
  std::optional<Number> Count(size_t i, int low, int high) const;
  // All of them, longest first.
  std::vector<Number> Counts(size_t i, int low, int high) const;
  std::optional<Number> Ordinal(size_t i, int low, int high) const;
  // 1900 to 2199: "2026", "twenty twenty six", "nineteen eighty five".
  std::optional<Number> Year(size_t i) const;
  // Written in digits and nothing else.
  std::optional<Number> Numeral(size_t i) const;
  // "three", "a", "one", "a couple of", "another two": 1 to 999.
  std::optional<Number> HowMany(size_t i) const;

  // "two and a half", "1.5", "two": in quarters, where it comes out even.
  std::optional<Number> Quarters(size_t i) const;

  struct UnitWord {
    CalendarUnit unit = CalendarUnit::kDay;
    int times = 1;  // a fortnight is two weeks
    size_t end = 0;
  };
  std::optional<UnitWord> Unit(size_t i) const;

  int Month(size_t i) const;  // 1..12; 0: no month
  // "may" and "march" are words of their own, and are months only beside a number or a preposition.
  bool IsDoubtfulMonth(size_t i) const { return Is(i, {"may", "march", "mar", "dec", "sep", "jan"}); }
  int Weekday(size_t i) const;  // 0 Sunday .. 6; -1: none. "sun" and "sat" only where they must be days.
  bool IsPartOfDay(size_t i) const {
    return Is(i, {"morning", "afternoon", "evening", "night", "lunchtime", "noon", "midday", "mornings",
                  "evenings"});
  }

 private:
  std::string_view text_;
  std::span<const NormalisedWord> words_;
  std::vector<NumberReading> numbers_;  // counts and ordinals up to 9999, by begin
  std::vector<size_t> first_number_;    // of each word, into numbers_; one more at the end
};

}  // namespace sotto
