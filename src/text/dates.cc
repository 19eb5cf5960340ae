#include "text/dates.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "text/spoken_numbers.h"

namespace sotto {
namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

year_month_day ToChrono(const Date& date) {
  return std::chrono::year(date.year) / std::chrono::month(static_cast<unsigned>(date.month)) /
         std::chrono::day(static_cast<unsigned>(date.day));
}

Date FromChrono(const year_month_day& date) {
  return {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day()))};
}

constexpr std::pair<std::string_view, int> kMonthNames[] = {
    {"january", 1}, {"february", 2}, {"march", 3},     {"april", 4},    {"may", 5},       {"june", 6},
    {"july", 7},    {"august", 8},   {"september", 9}, {"october", 10}, {"november", 11}, {"december", 12},
    {"jan", 1},     {"feb", 2},      {"mar", 3},       {"apr", 4},      {"jun", 6},       {"jul", 7},
    {"aug", 8},     {"sep", 9},      {"sept", 9},      {"oct", 10},     {"nov", 11},      {"dec", 12}};
constexpr std::string_view kWeekdays[] = {"sunday",   "monday", "tuesday", "wednesday",
                                          "thursday", "friday", "saturday"};

int MonthOf(std::string_view word) {
  for (const auto& [name, month] : kMonthNames) {
    if (name == word) return month;
  }
  return 0;
}

int WeekdayOf(std::string_view word) {
  for (int i = 0; i < 7; ++i) {
    if (kWeekdays[i] == word) return i;
  }
  return -1;
}

class DateReader {
 public:
  DateReader(std::span<const std::string_view> words, const Date& today) : words_(words), today_(today) {
    numbers_ = ReadNumbers(words, {.digits = false});
  }

  std::vector<DateReading> Read() {
    for (size_t b = 0; b < words_.size(); ++b) {
      ReadRelative(b);
      ReadMonthFirst(b);
      ReadDayFirst(b);
      ReadNumeric(b);
    }
    std::stable_sort(readings_.begin(), readings_.end(), [](const DateReading& a, const DateReading& b) {
      return std::pair(a.begin, b.end) < std::pair(b.begin, a.end);
    });
    return std::move(readings_);
  }

 private:
  std::string_view Word(size_t i) const { return i < words_.size() ? words_[i] : std::string_view{}; }

  void Emit(const Date& date, size_t begin, size_t end) {
    if (IsValidDate(date)) readings_.push_back({date, begin, end});
  }

  void ReadRelative(size_t b) {
    const std::string_view word = Word(b);
    if (word == "today") return Emit(today_, b, b + 1);
    if (word == "tomorrow") return Emit(AddDays(today_, 1), b, b + 1);
    if (word == "yesterday") return Emit(AddDays(today_, -1), b, b + 1);
    const bool next = word == "next";
    const bool last = word == "last";
    const int weekday = WeekdayOf(next || last ? Word(b + 1) : word);
    if (weekday < 0) return;
    const int ahead = (weekday - Weekday(today_) + 7) % 7;
    if (last) return Emit(AddDays(today_, ahead == 0 ? -7 : ahead - 7), b, b + 2);
    const int days = ahead == 0 ? 7 : ahead;
    Emit(AddDays(today_, days), b, next ? b + 2 : b + 1);
  }

  // "march third", "march 3 2026", "march the third twenty twenty six".
  void ReadMonthFirst(size_t b) {
    const int month = MonthOf(Word(b));
    if (month == 0) return;
    const size_t at = Word(b + 1) == "the" ? b + 2 : b + 1;
    for (const NumberReading& day : numbers_) {
      if (day.begin == at && IsDay(day)) WithYear(month, static_cast<int>(day.value), b, day.end);
    }
  }

  // "the third of march", "3rd march".
  void ReadDayFirst(size_t b) {
    const size_t at = Word(b) == "the" ? b + 1 : b;
    if (at == b && b > 0 && Word(b - 1) == "the") return;
    for (const NumberReading& day : numbers_) {
      if (day.begin != at || !IsDay(day)) continue;
      const size_t month_at = Word(day.end) == "of" ? day.end + 1 : day.end;
      const int month = MonthOf(Word(month_at));
      if (month != 0) WithYear(month, static_cast<int>(day.value), b, month_at + 1);
    }
  }

  // "2026 03 03"; "3 15 2026" and "15 3 2026" where only one order is a date.
  void ReadNumeric(size_t b) {
    int parts[3];
    for (size_t i = 0; i < 3; ++i) {
      const std::string_view word = Word(b + i);
      if (word.empty() || word.size() > 4) return;
      if (!std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; })) return;
      parts[i] = std::stoi(std::string(word));
    }
    if (Word(b).size() == 4) return Emit({parts[0], parts[1], parts[2]}, b, b + 3);
    if (Word(b + 2).size() != 4) return;
    Emit({parts[2], parts[0], parts[1]}, b, b + 3);
    if (parts[0] != parts[1]) Emit({parts[2], parts[1], parts[0]}, b, b + 3);
  }

  static bool IsDay(const NumberReading& number) {
    return number.kind != NumberKind::kAmount && number.value >= 1 && number.value <= 31 &&
           number.value == static_cast<int>(number.value);
  }

  void WithYear(int month, int day, size_t begin, size_t end) {
    for (const NumberReading& year : numbers_) {
      if (year.begin == end && year.kind == NumberKind::kCount && year.value >= 1900 && year.value <= 2199 &&
          year.maximal) {
        return Emit({static_cast<int>(year.value), month, day}, begin, year.end);
      }
    }
    Date date{today_.year, month, day};
    const bool passed = std::pair(month, day) < std::pair(today_.month, today_.day);
    if (passed || !IsValidDate(date)) ++date.year;
    for (int tries = 0; tries < 8 && !IsValidDate(date); ++tries) ++date.year;
    Emit(date, begin, end);
  }

  std::span<const std::string_view> words_;
  Date today_;
  std::vector<NumberReading> numbers_;
  std::vector<DateReading> readings_;
};

}  // namespace

bool IsValidDate(const Date& date) {
  return date.year >= 1 && date.year <= 9999 && date.month >= 1 && date.day >= 1 && ToChrono(date).ok();
}

std::string DateText(const Date& date) {
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::optional<Date> ParseDate(std::string_view iso_date) {
  if (iso_date.size() != 10) return std::nullopt;
  for (size_t i = 0; i < 10; ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? iso_date[i] != '-' : iso_date[i] < '0' || iso_date[i] > '9') return std::nullopt;
  }
  const auto number = [&](size_t at, size_t length) {
    return std::stoi(std::string(iso_date.substr(at, length)));
  };
  const Date date{number(0, 4), number(5, 2), number(8, 2)};
  return IsValidDate(date) ? std::optional(date) : std::nullopt;
}

Date AddDays(const Date& date, int days) {
  return FromChrono(sys_days(ToChrono(date)) + std::chrono::days(days));
}

int Weekday(const Date& date) {
  return static_cast<int>(std::chrono::weekday(sys_days(ToChrono(date))).c_encoding());
}

std::vector<DateReading> ReadDates(std::span<const std::string_view> words, const Date& today) {
  return DateReader(words, today).Read();
}

}  // namespace sotto
