#include "text/calendar_speech.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "text/day_arithmetic.h"
#include "text/speak.h"
#include "text/times.h"

namespace sotto {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr days kNear{300};  // nobody takes a day this close for the same day of another year
constexpr minutes kMidnight{24 * 60};

std::string_view MonthName(Date date) {
  return kMonths[static_cast<unsigned>(year_month_day(date).month()) - 1];
}
unsigned DayOf(Date date) { return static_cast<unsigned>(year_month_day(date).day()); }
std::string_view WeekdayName(Date date) { return kWeekdays[std::chrono::weekday(date).c_encoding()]; }

bool IsNear(Date date, const std::optional<Date>& today) {
  return today && date - *today < kNear && *today - date < kNear;
}

std::string MonthAndDay(Date date, bool spoken) {
  return spoken ? fmt::format("{} {}", MonthName(date), SpeakOrdinal(DayOf(date)))
                : fmt::format("{} {}", MonthName(date), DayOf(date));
}
std::string YearText(int year, bool spoken) { return spoken ? SpeakYear(year) : fmt::format("{}", year); }
std::string FullDate(Date date, bool spoken) {
  return fmt::format("{}, {}", MonthAndDay(date, spoken), YearText(YearOf(date), spoken));
}

std::string RangeText(std::string_view iso_range, const std::optional<Date>& today, bool spoken) {
  const auto range = ParseDateRange(iso_range);
  if (!range) return std::string(iso_range);
  const auto [from, to] = *range;
  if (from == to) return spoken ? SpeakDate(DateText(from), today) : ShowDate(DateText(from), today);
  const bool starts_month = from == MonthStart(from);
  if (starts_month && to == MonthEnd(from))
    return fmt::format("{} {}", MonthName(from), YearText(YearOf(from), spoken));
  if (YearOf(from) == YearOf(to) && starts_month && to == MonthEnd(to) && MonthName(from) == kMonths[0] &&
      MonthName(to) == kMonths[11])
    return YearText(YearOf(from), spoken);
  if (IsNear(from, today) && IsNear(to, today))
    return fmt::format("{} to {}", MonthAndDay(from, spoken), MonthAndDay(to, spoken));
  return fmt::format("{} to {}", FullDate(from, spoken), FullDate(to, spoken));
}

std::string_view HalfOfDay(minutes time) {
  return time < hours(12)   ? " in the morning"
         : time < hours(18) ? " in the afternoon"
         : time < hours(21) ? " in the evening"
                            : " at night";
}

// "three", "half past three", "ten past three", "three forty": without the half of the day.
std::string SpokenClock(minutes time) {
  const auto hour = static_cast<int>(time.count() / 60 % 12);
  const auto minute = static_cast<int>(time.count() % 60);
  const std::string at = SpeakNumber(hour == 0 ? 12 : hour);
  const std::string next = SpeakNumber(hour == 11 ? 12 : (hour + 1) % 12);
  if (minute == 0) return at;
  if (minute == 15) return "quarter past " + at;
  if (minute == 30) return "half past " + at;
  if (minute == 45) return "quarter to " + next;
  return at + (minute < 10 ? " oh " : " ") + SpeakNumber(minute);
}

std::string SpokenTime(minutes time) {
  if (time == hours(12)) return "noon";
  if (time == hours(0) || time == kMidnight) return "midnight";
  return SpokenClock(time) + std::string(HalfOfDay(time));
}

std::string ShownTime(minutes time) {
  if (time == hours(12)) return "noon";
  if (time == hours(0) || time == kMidnight) return "midnight";
  const auto hour = static_cast<int>(time.count() / 60 % 12);
  return fmt::format("{}:{:02} {}", hour == 0 ? 12 : hour, time.count() % 60, time < hours(12) ? "AM" : "PM");
}

std::string TimeText(std::string_view iso_time, bool spoken) {
  const auto time = ParseDayTime(iso_time);
  if (!time) return std::string(iso_time);
  const auto [from, to] = *time;
  const auto clock = [&](minutes point) { return spoken ? SpokenTime(point) : ShownTime(point); };
  if (from == to) return "at " + clock(from);
  for (const PartOfDay& part : PartsOfDay()) {
    if (part.time == *time) return std::string(part.name);
  }
  if (from == minutes(0)) return "before " + clock(to);
  if (to == kMidnight) return "after " + clock(from);
  const bool once = spoken && HalfOfDay(from) == HalfOfDay(to) && to != hours(12) && from != hours(12);
  return fmt::format("between {} and {}", once ? SpokenClock(from) : clock(from), clock(to));
}

std::string PeriodWords(std::string_view iso_period, bool spoken) {
  const auto period = ParsePeriod(iso_period);
  if (!period) return std::string(iso_period);
  std::vector<std::string> parts;
  const auto add = [&](int count, std::string_view unit) {
    if (count == 0) return;
    parts.push_back(fmt::format("{} {}{}", spoken ? SpeakNumber(count) : std::to_string(count), unit,
                                count == 1 ? "" : "s"));
  };
  add(period->months / 12, "year");
  add(period->months % 12, "month");
  const bool weeks = period->days % 7 == 0;
  add(weeks ? period->days / 7 : period->days, weeks ? "week" : "day");
  add(period->minutes / 60, "hour");
  add(period->minutes % 60, "minute");
  if (parts.empty()) return spoken ? "no time" : "0 minutes";
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i)
    text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return text;
}

}  // namespace

std::string SpeakDate(std::string_view iso_date, std::optional<Date> today) {
  const auto date = ParseDate(iso_date);
  if (!date) return std::string(iso_date);
  if (!IsNear(*date, today)) return FullDate(*date, true);
  return fmt::format("{} the {} of {}", WeekdayName(*date), SpeakOrdinal(DayOf(*date)), MonthName(*date));
}

std::string ShowDate(std::string_view iso_date, std::optional<Date> today) {
  const auto date = ParseDate(iso_date);
  if (!date) return std::string(iso_date);
  if (!IsNear(*date, today)) return FullDate(*date, false);
  return fmt::format("{}, {}", WeekdayName(*date), MonthAndDay(*date, false));
}

std::string SpeakDateRange(std::string_view iso_range, std::optional<Date> today) {
  return RangeText(iso_range, today, true);
}
std::string ShowDateRange(std::string_view iso_range, std::optional<Date> today) {
  return RangeText(iso_range, today, false);
}
std::string SpeakDayTime(std::string_view iso_time) { return TimeText(iso_time, true); }
std::string ShowDayTime(std::string_view iso_time) { return TimeText(iso_time, false); }
std::string SpeakPeriod(std::string_view iso_period) { return PeriodWords(iso_period, true); }
std::string ShowPeriod(std::string_view iso_period) { return PeriodWords(iso_period, false); }

std::string SpeakYear(int year) {
  if (year < 1000 || year > 2999 || (year % 1000) / 10 == 0) return SpeakNumber(year);
  const std::string century = SpeakNumber(year / 100);
  const int rest = year % 100;
  if (rest == 0) return century + " hundred";
  return rest < 10 ? century + " oh " + SpeakNumber(rest) : century + " " + SpeakNumber(rest);
}

}  // namespace sotto
