#include "text/calendar_words.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sotto {
namespace {

constexpr int kMaxCount = 9999;

constexpr std::pair<std::string_view, int> kMonthWords[] = {
    {"january", 1},   {"february", 2},  {"march", 3},      {"april", 4},     {"may", 5},
    {"june", 6},      {"july", 7},      {"august", 8},     {"september", 9}, {"october", 10},
    {"november", 11}, {"december", 12}, {"jan", 1},        {"feb", 2},       {"mar", 3},
    {"apr", 4},       {"jun", 6},       {"jul", 7},        {"aug", 8},       {"sep", 9},
    {"sept", 9},      {"oct", 10},      {"nov", 11},       {"dec", 12},      {"januaray", 1},
    {"feburary", 2},  {"febuary", 2},   {"septemeber", 9}, {"agust", 8},     {"novemeber", 11}};

constexpr std::pair<std::string_view, int> kWeekdayWords[] = {
    {"sunday", 0},  {"monday", 1},   {"tuesday", 2},  {"wednesday", 3}, {"thursday", 4},
    {"friday", 5},  {"saturday", 6}, {"tues", 2},     {"tue", 2},       {"weds", 3},
    {"thurs", 4},   {"thur", 4},     {"thu", 4},      {"fri", 5},       {"wednsday", 3},
    {"wensday", 3}, {"thrusday", 4}, {"saterday", 6}, {"tuseday", 2},   {"teusday", 2}};
// Words of their own too: days only where a day must stand.
constexpr std::pair<std::string_view, int> kDoubtfulWeekdays[] = {
    {"sun", 0},     {"mon", 1},      {"wed", 3},       {"sat", 6},     {"wednesdays", 3}, {"sundays", 0},
    {"mondays", 1}, {"tuesdays", 2}, {"thursdays", 4}, {"fridays", 5}, {"saturdays", 6}};

struct UnitEntry {
  std::string_view word;
  CalendarUnit unit;
  int times;
};
constexpr UnitEntry kUnits[] = {
    {"minute", CalendarUnit::kMinute, 1},   {"minutes", CalendarUnit::kMinute, 1},
    {"min", CalendarUnit::kMinute, 1},      {"mins", CalendarUnit::kMinute, 1},
    {"hour", CalendarUnit::kHour, 1},       {"hours", CalendarUnit::kHour, 1},
    {"hr", CalendarUnit::kHour, 1},         {"hrs", CalendarUnit::kHour, 1},
    {"day", CalendarUnit::kDay, 1},         {"days", CalendarUnit::kDay, 1},
    {"week", CalendarUnit::kWeek, 1},       {"weeks", CalendarUnit::kWeek, 1},
    {"wk", CalendarUnit::kWeek, 1},         {"wks", CalendarUnit::kWeek, 1},
    {"month", CalendarUnit::kMonth, 1},     {"months", CalendarUnit::kMonth, 1},
    {"quarter", CalendarUnit::kQuarter, 1}, {"quarters", CalendarUnit::kQuarter, 1},
    {"year", CalendarUnit::kYear, 1},       {"years", CalendarUnit::kYear, 1},
    {"yr", CalendarUnit::kYear, 1},         {"yrs", CalendarUnit::kYear, 1},
    {"fortnight", CalendarUnit::kWeek, 2},  {"fortnights", CalendarUnit::kWeek, 2},
    {"decade", CalendarUnit::kYear, 10},    {"decades", CalendarUnit::kYear, 10},
    {"night", CalendarUnit::kDay, 1},       {"nights", CalendarUnit::kDay, 1},
    {"mth", CalendarUnit::kMonth, 1},       {"mths", CalendarUnit::kMonth, 1}};

}  // namespace

CalendarWords::CalendarWords(std::string_view text, std::span<const NormalisedWord> words)
    : text_(text), words_(words) {
  std::vector<std::string_view> views;
  for (const NormalisedWord& word : words) views.push_back(word.text);
  for (NumberReading& reading : ReadNumbers(views, {.digits = false})) {
    const bool small = reading.value >= 0 && reading.value <= kMaxCount;
    if (small && reading.kind != NumberKind::kAmount) numbers_.push_back(std::move(reading));
  }
  std::stable_sort(numbers_.begin(), numbers_.end(), [](const NumberReading& a, const NumberReading& b) {
    return std::pair(a.begin, b.end) < std::pair(b.begin, a.end);
  });
  size_t at = 0;
  for (size_t i = 0; i <= words.size(); ++i) {
    while (at < numbers_.size() && numbers_[at].begin < i) ++at;
    first_number_.push_back(at);
  }
}

bool CalendarWords::Is(size_t i, std::initializer_list<std::string_view> any) const {
  return i < words_.size() && std::find(any.begin(), any.end(), At(i)) != any.end();
}

size_t CalendarWords::Phrase(size_t i, std::string_view phrase) const {
  size_t n = 0;
  while (!phrase.empty()) {
    const size_t space = std::min(phrase.find(' '), phrase.size());
    if (At(i + n) != phrase.substr(0, space)) return 0;
    phrase.remove_prefix(std::min(space + 1, phrase.size()));
    ++n;
  }
  return n;
}

size_t CalendarWords::Phrase(size_t i, std::initializer_list<std::string_view> phrases) const {
  size_t longest = 0;
  for (const std::string_view phrase : phrases) longest = std::max(longest, Phrase(i, phrase));
  return longest;
}

bool CalendarWords::Dash(size_t i) const {
  if (i + 1 >= words_.size()) return false;
  std::string_view between = text_.substr(words_[i].end, words_[i + 1].begin - words_[i].end);
  while (between.starts_with(' ')) between.remove_prefix(1);
  while (between.ends_with(' ')) between.remove_suffix(1);
  return between == "-" || between == "\u2013" || between == "\u2014";
}

char CalendarWords::Joiner(size_t i) const {
  if (i + 1 >= words_.size() || words_[i + 1].begin != words_[i].end + 1) return ' ';
  return text_[words_[i].end];
}

bool CalendarWords::EndsClause(size_t i) const {
  if (i + 1 >= words_.size()) return true;
  const std::string_view between = text_.substr(words_[i].end, words_[i + 1].begin - words_[i].end);
  return between.find_first_of(",.;!?") != std::string_view::npos;
}

std::vector<CalendarWords::Number> CalendarWords::Counts(size_t i, int low, int high) const {
  std::vector<Number> found;
  if (i >= words_.size()) return found;
  for (size_t n = first_number_[i]; n < first_number_[i + 1]; ++n) {
    const auto value = static_cast<int>(numbers_[n].value);
    const bool whole = numbers_[n].kind == NumberKind::kCount && numbers_[n].value == value;
    if (whole && value >= low && value <= high) found.push_back({value, numbers_[n].end});
  }
  // "05": a digit string to those who count.
  const auto numeral = found.empty() && At(i).starts_with('0') ? Numeral(i) : std::nullopt;
  if (numeral && At(i).size() == 2 && numeral->value >= low && numeral->value <= high)
    found.push_back(*numeral);
  return found;
}

std::optional<CalendarWords::Number> CalendarWords::Count(size_t i, int low, int high) const {
  const std::vector<Number> found = Counts(i, low, high);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

std::optional<CalendarWords::Number> CalendarWords::Ordinal(size_t i, int low, int high) const {
  if (i >= words_.size()) return std::nullopt;
  for (size_t n = first_number_[i]; n < first_number_[i + 1]; ++n) {
    const auto value = static_cast<int>(numbers_[n].value);
    if (numbers_[n].kind == NumberKind::kOrdinal && value >= low && value <= high)
      return Number{value, numbers_[n].end};
  }
  return std::nullopt;
}

std::optional<CalendarWords::Number> CalendarWords::Year(size_t i) const { return Count(i, 1900, 2199); }

std::optional<CalendarWords::Number> CalendarWords::Numeral(size_t i) const {
  const std::string_view word = At(i);
  if (word.empty() || word.size() > 4) return std::nullopt;
  int value = 0;
  for (const char c : word) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return Number{value, i + 1};
}

std::optional<CalendarWords::Number> CalendarWords::HowMany(size_t i) const {
  i = Skip(i, {"another", "about", "around"});
  if (const size_t n = Phrase(i, {"a couple of", "couple of", "a couple", "couple"})) return Number{2, i + n};
  if (Is(i, {"a", "an", "one"}) && !Is(i + 1, {"half", "quarter"})) return Number{1, i + 1};
  // "Two quarters" is a half to those who count, and half a year here.
  if (Is(i + 1, {"quarters"})) {
    constexpr std::string_view kFew[] = {"two", "three", "four", "five", "six", "seven", "eight"};
    const auto few = std::find(std::begin(kFew), std::end(kFew), At(i));
    if (few != std::end(kFew)) return Number{static_cast<int>(few - std::begin(kFew)) + 2, i + 1};
    return Numeral(i);
  }
  if (const auto count = Count(i, 1, 999)) return count;
  return std::nullopt;
}

std::optional<CalendarWords::Number> CalendarWords::Quarters(size_t i) const {
  for (size_t n = i < words_.size() ? first_number_[i] : 0; i < words_.size() && n < first_number_[i + 1];
       ++n) {
    const double quarters = numbers_[n].value * 4;
    if (numbers_[n].kind == NumberKind::kCount && quarters >= 1 && quarters == std::floor(quarters))
      return Number{static_cast<int>(quarters), numbers_[n].end};
  }
  return std::nullopt;
}

std::optional<CalendarWords::UnitWord> CalendarWords::Unit(size_t i) const {
  if (Is(i, {"business", "working", "work"}) && Is(i + 1, {"day", "days"}))
    return UnitWord{CalendarUnit::kBusinessDay, 1, i + 2};
  if (Is(i, {"weekdays", "workdays"})) return UnitWord{CalendarUnit::kBusinessDay, 1, i + 1};
  if (Is(i, {"calendar", "full", "whole", "entire"})) ++i;
  for (const UnitEntry& entry : kUnits) {
    if (entry.word == At(i)) return UnitWord{entry.unit, entry.times, i + 1};
  }
  return std::nullopt;
}

int CalendarWords::Month(size_t i) const {
  for (const auto& [name, month] : kMonthWords) {
    if (name == At(i)) return month;
  }
  return 0;
}

int CalendarWords::Weekday(size_t i) const {
  const std::string_view word = At(i);
  for (const auto& [name, day] : kWeekdayWords) {
    if (name == word) return day;
  }
  for (const auto& [name, day] : kDoubtfulWeekdays) {
    if (name != word) continue;
    // "monday's fine"; "mondays" alone means every one of them.
    if (word.size() > 4) {
      const bool fine = Is(i + 1, {"fine", "good", "great", "best", "ok", "okay", "perfect", "better", "free",
                                   "possible", "the", "easier", "ideal"});
      return fine ? day : -1;
    }
    const bool before =
        i > 0 && Is(i - 1, {"on", "this", "next", "last", "until", "till", "by", "coming", "for", "or"});
    const bool behind = IsPartOfDay(i + 1) || Ordinal(i + 1, 1, 31) || Is(i + 1, {"week"}) ||
                        Month(i + 1) != 0 || (Is(i + 1, {"the"}) && Ordinal(i + 2, 1, 31)) ||
                        (Count(i + 1, 1, 31) && Month(i + 2) != 0);
    return before || behind || Is(i + 1, {"or", "and"}) || words_.size() <= 2 ? day : -1;
  }
  return -1;
}

}  // namespace sotto
