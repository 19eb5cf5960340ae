// Reads calendar dates out of spoken words: "march third", "the 3rd of march", "tomorrow", "next friday",
// "2026 03 03". Pure functions: any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sotto {

struct Date {
  int year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
  bool operator==(const Date&) const = default;
};

bool IsValidDate(const Date& date);
// "2026-03-03", and back (empty for anything else).
std::string DateText(const Date& date);
std::optional<Date> ParseDate(std::string_view iso_date);
Date AddDays(const Date& date, int days);
int Weekday(const Date& date);  // 0 Sunday .. 6 Saturday

struct DateReading {
  Date date;
  size_t begin = 0;  // the words [begin, end) it was read from
  size_t end = 0;
};

// Longest readings first at each position. A day without a year is the next such day from `today` on.
std::vector<DateReading> ReadDates(std::span<const std::string_view> words, const Date& today);

}  // namespace sotto
