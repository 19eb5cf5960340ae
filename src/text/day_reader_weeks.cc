// DayReader: weekdays and weeks.
#include "text/day_arithmetic.h"
#include "text/day_reader.h"

namespace sotto {

using std::chrono::days;
using Day = DayReader::Day;
using Every = DayReader::Day::Every;

void DayReader::ReadWeekdayAlone(size_t i, int weekday, size_t end, std::vector<Day>& out) const {
  const Date today = context_.today;
  const Date next = WeekdayAfter(today, weekday);
  const Date last = WeekdayBefore(today, weekday);
  const bool same = WeekdayOf(today) == weekday;
  const Date of_week = WeekStart(today) + days((weekday + 6) % 7);
  std::vector<Date> dates;
  const auto add = [&](std::initializer_list<Date> in_order) {
    for (const Date date : in_order) Add(dates, date);
  };
  if (words_.Is(i, {"next"})) {
    add({next, next + days(7)});
  } else if (words_.Is(i, {"coming", "following", "upcoming"})) {
    add({next});
  } else if (words_.Is(i, {"last", "past", "previous"})) {
    add({last, last - days(7)});
  } else if (words_.Is(i, {"this"}) && !context_.past) {
    if (same) add({today});
    add({next, of_week});
  } else if (words_.Is(i, {"this"})) {
    if (same) add({today});
    add({last, of_week});
  } else {
    add({context_.past ? last : next});
    if (same) add({today});
    add({context_.past ? next : last});
  }
  Add(out, dates, end, Every::kWeek);
  // "friday week", "friday after next", "friday fortnight".
  if (words_.Is(end, {"week"}) && !words_.Is(i, {"last", "past", "previous"})) {
    Add(out, same ? std::vector<Date>{next, next + days(7)} : std::vector<Date>{next + days(7)}, end + 1);
  }
  if (words_.Is(end, {"fortnight"})) Add(out, {next + days(14)}, end + 1);
  if (const size_t n = words_.Phrase(end, {"after next", "after the next"}))
    Add(out, {next + days(7)}, end + n);
  if (const size_t n = words_.Phrase(end, {"before last", "before the last"}))
    Add(out, {last - days(7)}, end + n);
  if (const size_t n = words_.Phrase(end, {"in a week", "a week from now", "in a weeks time"}))
    Add(out, {next + days(7), next}, end + n);
  auto week = Week(end);
  if (!week) week = Week(words_.Skip(end, {"of", "in"}));
  if (week) Add(out, {week->monday + days((weekday + 6) % 7)}, week->end);
}

// "tuesday", "next tuesday", "this coming tuesday", "tuesday week", "tuesday the third of march".
void DayReader::ReadWeekday(size_t i, std::vector<Day>& out) {
  size_t at = i;
  if (words_.Is(at, {"the"}) &&
      (words_.Is(at + 1, {"coming", "following", "upcoming", "next", "last", "previous"}) ||
       words_.Weekday(at + 1) >= 0))
    ++at;
  if (words_.Is(at, {"this"}) && words_.Is(at + 1, {"coming", "next", "past", "last", "upcoming"})) ++at;
  const size_t word =
      words_.Skip(at, {"next", "this", "last", "coming", "following", "upcoming", "past", "previous"});
  const int weekday = words_.Weekday(word);
  if (weekday < 0 || (i > 0 && words_.Is(i - 1, {"every", "each"}))) return;
  ReadWeekdayAlone(at, weekday, word + 1, out);
  if (word == i || words_.Is(i, {"the", "this", "next"})) ReadWeekdayWithDate(word + 1, weekday, out);
  // "the friday after christmas", "the monday before the 15th".
  const bool after = words_.Is(word + 1, {"after", "following"});
  if (after || words_.Is(word + 1, {"before", "preceding"})) {
    const Day* day = Longest(word + 2);
    if (day == nullptr) return;
    const Day base = *day;
    Add(out, {after ? WeekdayAfter(base.dates.front(), weekday) : WeekdayBefore(base.dates.front(), weekday)},
        base.end);
  }
}

// The date decides; where it leaves a choice, the weekday.
void DayReader::ReadWeekdayWithDate(size_t end, int weekday, std::vector<Day>& out) {
  end = words_.Skip(end, {"on", "which"});
  const auto fits = [&](Date date) { return WeekdayOf(date) == weekday; };
  const std::vector<Day> found = At(end);
  for (const Day& day : found) {
    std::vector<Date> dates = day.dates;
    if (day.every == Every::kMonth) {
      // "friday the thirteenth": the nearest that is one.
      const int number = DayOfMonth(day.dates.front());
      dates.clear();
      for (int step = 0; step <= 12; ++step) {
        const Date month = AddMonths(MonthStart(context_.today), context_.past ? -step : step);
        const auto date = MakeDate(YearOf(month), MonthNumber(month), number);
        if (date && (context_.past ? *date <= context_.today : *date >= context_.today)) Add(dates, *date);
      }
      for (const Date date : day.dates) Add(dates, date);
    } else if (!words_.Is(end, {"the"}) && words_.Month(end) == 0 && !words_.Count(end, 1, 31) &&
               !words_.Ordinal(end, 1, 31)) {
      continue;  // "monday tomorrow"
    } else if (day.every == Every::kYear) {
      const int year = YearOf(context_.today);
      for (const int offset : {0, 1, -1, 2, -2, 3, -3}) {
        const auto date = MakeDate(year + offset, MonthNumber(dates.front()), DayOfMonth(dates.front()));
        if (date) Add(dates, *date);
      }
    }
    std::stable_partition(dates.begin(), dates.end(), fits);
    dates.resize(std::min<size_t>(dates.size(), 2));
    Add(out, dates, day.end, day.every == Every::kYear ? Every::kYear : Every::kNever);
  }
}

std::optional<DayReader::WeekOf> DayReader::Week(size_t i) const {
  const Date monday = WeekStart(context_.today);
  const auto week = [&](size_t n, int offset) { return WeekOf{monday + days(7 * offset), i + n}; };
  if (const size_t n =
          words_.Phrase(i, {"next week", "the next week", "the following week", "the coming week"}))
    return words_.Phrase(i, "next week after next") != 0 ? std::nullopt : std::optional(week(n, 1));
  if (const size_t n = words_.Phrase(i, {"this week", "the current week", "the week"});
      n != 0 && !words_.Is(i + n, {"after", "before", "of"}))
    return week(n, 0);
  if (const size_t n = words_.Phrase(i, {"last week", "the last week", "the previous week", "the past week"}))
    return week(n, -1);
  if (const size_t n = words_.Phrase(
          i, {"the week after next", "week after next", "the week after the next", "the week after"}))
    return week(n, 2);
  if (const size_t n = words_.Phrase(i, {"the week before last", "week before last"})) return week(n, -2);
  const bool in = words_.Is(i, {"in"});
  const auto count = words_.HowMany(in ? i + 1 : i);
  if (!count) return std::nullopt;
  const auto unit = words_.Unit(count->end);
  if (!unit || unit->unit != CalendarUnit::kWeek) return std::nullopt;
  const int weeks = count->value * unit->times;
  if (in) return WeekOf{monday + days(7 * weeks), words_.Skip(unit->end, {"time"})};
  if (const size_t n = words_.Phrase(unit->end, {"from now"}))
    return WeekOf{monday + days(7 * weeks), unit->end + n};
  if (words_.Is(unit->end, {"ago", "back"})) return WeekOf{monday - days(7 * weeks), unit->end + 1};
  return std::nullopt;
}

// "next week monday", "next week on monday".
void DayReader::ReadWeekdayInWeek(size_t i, std::vector<Day>& out) const {
  const auto week = Week(i);
  if (!week) return;
  const size_t at = words_.Skip(words_.Skip(week->end, {"on"}), {"the"});
  if (const int weekday = words_.Weekday(at); weekday >= 0)
    Add(out, {week->monday + days((weekday + 6) % 7)}, at + 1);
}

// "the first monday of may", "the last friday in the month".
void DayReader::ReadWeekdayOfMonth(size_t i, std::vector<Day>& out) const {
  const size_t at = words_.Skip(i, {"the"});
  const bool last = words_.Is(at, {"last"});
  const auto nth = last ? std::optional(CalendarWords::Number{5, at + 1}) : words_.Ordinal(at, 1, 5);
  if (!nth) return;
  const int weekday = words_.Weekday(nth->end);
  if (weekday < 0 || !words_.Is(nth->end + 1, {"of", "in"})) return;
  const auto month = Month(nth->end + 2);
  if (!month) return;
  std::vector<Date> dates;
  for (const Date start : month->months) {
    const Date date = last ? WeekdayBefore(MonthEnd(start) + days(1), weekday)
                           : WeekdayAfter(start - days(1), weekday) + days(7 * (nth->value - 1));
    if (date <= MonthEnd(start)) Add(dates, date);
  }
  Add(out, dates, month->end);
}

}  // namespace sotto
