// What the readers of days compute with. Internal to the text layer.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "text/day_reader.h"

namespace sotto {

inline int YearOf(Date date) { return static_cast<int>(std::chrono::year_month_day(date).year()); }
inline int MonthNumber(Date date) {
  return static_cast<int>(static_cast<unsigned>(std::chrono::year_month_day(date).month()));
}
inline int DayOfMonth(Date date) {
  return static_cast<int>(static_cast<unsigned>(std::chrono::year_month_day(date).day()));
}

inline std::optional<Date> MakeDate(int year, int month, int day) {
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!IsValidDate(date)) return std::nullopt;
  return Date(date);
}

inline void Add(std::vector<Date>& dates, Date date) {
  if (!IsValidDate(std::chrono::year_month_day(date))) return;
  if (std::find(dates.begin(), dates.end(), date) == dates.end()) dates.push_back(date);
}

inline void Add(std::vector<DayReader::Day>& out, std::vector<Date> dates, size_t end,
                DayReader::Day::Every every = DayReader::Day::Every::kNever) {
  std::erase_if(dates, [](Date date) { return !IsValidDate(std::chrono::year_month_day(date)); });
  if (!dates.empty()) out.push_back({std::move(dates), end, every});
}

inline int WeekdayOf(Date date) { return static_cast<int>(std::chrono::weekday(date).c_encoding()); }
// The first such weekday after `date`, the last before it.
inline Date WeekdayAfter(Date date, int weekday) {
  return date + std::chrono::days(1 + (weekday - WeekdayOf(date) + 6) % 7);
}
inline Date WeekdayBefore(Date date, int weekday) {
  return date - std::chrono::days(1 + (WeekdayOf(date) - weekday + 6) % 7);
}

inline Date AddBusinessDays(Date date, int count) {
  const std::chrono::days step(count < 0 ? -1 : 1);
  for (int left = std::abs(count); left > 0;) {
    date += step;
    const int weekday = WeekdayOf(date);
    if (weekday != 0 && weekday != 6) --left;
  }
  return date;
}

}  // namespace sotto
