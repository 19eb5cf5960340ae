#include "core/calendar.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace sotto {
namespace {

using std::chrono::minutes;
using std::chrono::year_month_day;

constexpr int kMinutesADay = 24 * 60;
constexpr int kMaxPeriodDigits = 6;
constexpr size_t kMaxPeriodText = 40;  // more is not said, and sums stay in range

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int Number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

std::string TimeText(minutes time) {
  return fmt::format("{:02}:{:02}", time.count() / 60, time.count() % 60);
}

std::optional<minutes> ParseTime(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const size_t i : {0, 1, 3, 4}) {
    if (!IsDigit(text[i])) return std::nullopt;
  }
  const minutes time(Number(text.substr(0, 2)) * 60 + Number(text.substr(3, 2)));
  if (Number(text.substr(3, 2)) > 59 || time.count() > kMinutesADay) return std::nullopt;
  return time;
}

}  // namespace

bool IsValidDate(const year_month_day& date) {
  return date.ok() && static_cast<int>(date.year()) >= 1 && static_cast<int>(date.year()) <= 9999;
}

std::string DateText(Date date) {
  const year_month_day day(date);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                     static_cast<unsigned>(day.day()));
}

std::optional<Date> ParseDate(std::string_view text) {
  if (text.size() != 10) return std::nullopt;
  for (size_t i = 0; i < 10; ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : !IsDigit(text[i])) return std::nullopt;
  }
  const year_month_day date(std::chrono::year(Number(text.substr(0, 4))),
                            std::chrono::month(static_cast<unsigned>(Number(text.substr(5, 2)))),
                            std::chrono::day(static_cast<unsigned>(Number(text.substr(8, 2)))));
  if (!IsValidDate(date)) return std::nullopt;
  return Date(date);
}

Date LocalDate(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm local{};
  localtime_r(&seconds, &local);
  return Date(std::chrono::year(local.tm_year + 1900) / (local.tm_mon + 1) / local.tm_mday);
}

Date AddMonths(Date date, int months) {
  const year_month_day moved = year_month_day(date) + std::chrono::months(months);
  if (moved.ok()) return Date(moved);
  return Date(moved.year() / moved.month() / std::chrono::last);
}

Date MonthStart(Date date) {
  const year_month_day day(date);
  return Date(day.year() / day.month() / 1);
}

Date MonthEnd(Date date) {
  const year_month_day day(date);
  return Date(day.year() / day.month() / std::chrono::last);
}

Date WeekStart(Date date) { return date - (std::chrono::weekday(date) - std::chrono::Monday); }

std::string DateRangeText(const DateRange& range) { return DateText(range.from) + "/" + DateText(range.to); }

std::optional<DateRange> ParseDateRange(std::string_view text) {
  if (text.size() != 21 || text[10] != '/') return std::nullopt;
  const auto from = ParseDate(text.substr(0, 10));
  const auto to = ParseDate(text.substr(11));
  if (!from || !to || *to < *from) return std::nullopt;
  return DateRange{*from, *to};
}

std::string DayTimeText(const DayTime& time) {
  return time.from == time.to ? TimeText(time.from) : TimeText(time.from) + "/" + TimeText(time.to);
}

std::optional<DayTime> ParseDayTime(std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const auto from = ParseTime(text.substr(0, slash));
  const auto to = slash == text.size() ? from : ParseTime(text.substr(slash + 1));
  if (!from || !to || *to < *from || from->count() == kMinutesADay) return std::nullopt;
  return DayTime{*from, *to};
}

std::string PeriodText(const Period& period) {
  std::string text = "P";
  const auto add = [&](int value, char unit) {
    if (value != 0) text += fmt::format("{}{}", value, unit);
  };
  add(period.months / 12, 'Y');
  add(period.months % 12, 'M');
  add(period.days, 'D');
  if (period.minutes != 0) {
    text += 'T';
    add(period.minutes / 60, 'H');
    add(period.minutes % 60, 'M');
  }
  return text.size() == 1 ? "PT0M" : text;
}

std::optional<Period> ParsePeriod(std::string_view text) {
  if (text.size() < 3 || text.size() > kMaxPeriodText || text[0] != 'P') return std::nullopt;
  Period period;
  bool time = false;
  size_t at = 1;
  while (at < text.size()) {
    if (text[at] == 'T' && !time && at + 1 < text.size()) {
      time = true;
      ++at;
      continue;
    }
    const size_t begin = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    if (at == begin || at == text.size() || at - begin > kMaxPeriodDigits) return std::nullopt;
    const int value = Number(text.substr(begin, at - begin));
    const char unit = text[at++];
    if (!time && unit == 'Y') {
      period.months += 12 * value;
    } else if (!time && unit == 'M') {
      period.months += value;
    } else if (!time && unit == 'W') {
      period.days += 7 * value;
    } else if (!time && unit == 'D') {
      period.days += value;
    } else if (time && unit == 'H') {
      period.minutes += 60 * value;
    } else if (time && unit == 'M') {
      period.minutes += value;
    } else {
      return std::nullopt;
    }
  }
  return period;
}

double RoughMinutes(const Period& period) {
  constexpr double kDaysAMonth = 30.44;
  return (period.months * kDaysAMonth + period.days) * kMinutesADay + period.minutes;
}

}  // namespace sotto
