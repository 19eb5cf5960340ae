// The calendar's nouns: a day, a time of day, a length of time, days in a row. Values, in ISO 8601 where they
// are text (tool calls, JSONL, events). Days are proleptic Gregorian; nothing here reads a clock: the day of
// a call is given by whoever drives the conversation (core/conversation.h). Pure functions: any thread.
#pragma once

#include <chrono>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace sotto {

using Date = std::chrono::sys_days;

// Years 1 to 9999, so that the text has ten letters.
bool IsValidDate(const std::chrono::year_month_day& date);
// "2026-03-03", and back (empty for anything else).
std::string DateText(Date date);
std::optional<Date> ParseDate(std::string_view text);

// The day in the time zone of this machine.
Date LocalDate(std::chrono::system_clock::time_point time);

// Months are added by the calendar; the 31st becomes the last day of a shorter month.
Date AddMonths(Date date, int months);
Date MonthStart(Date date);
Date MonthEnd(Date date);
Date WeekStart(Date date);  // the Monday

// Days in a row, both included. "2026-03-01/2026-03-15".
struct DateRange {
  Date from;
  Date to;
  auto operator<=>(const DateRange&) const = default;
};
std::string DateRangeText(const DateRange& range);
std::optional<DateRange> ParseDateRange(std::string_view text);

// A time of day, or from one to another the same day (`to` 24:00 is midnight). "15:30", "08:00/12:00".
struct DayTime {
  std::chrono::minutes from{0};
  std::chrono::minutes to{0};  // == from: a point
  auto operator<=>(const DayTime&) const = default;
};
std::string DayTimeText(const DayTime& time);
std::optional<DayTime> ParseDayTime(std::string_view text);

// Months have no fixed number of days, so they are kept apart. "P1Y3M", "P14D" (two weeks), "PT1H30M". Not
// negative.
struct Period {
  int months = 0;
  int days = 0;
  int minutes = 0;
  bool operator==(const Period&) const = default;
};
std::string PeriodText(const Period& period);
// Reads whole numbers of Y, M, W, D, H and M; seconds and fractions are not read.
std::optional<Period> ParsePeriod(std::string_view text);
// For comparing: a month is 30.44 days.
double RoughMinutes(const Period& period);

}  // namespace sotto
