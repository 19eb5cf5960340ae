#include "text/day_reader.h"

#include <array>

#include "text/day_arithmetic.h"
#include "text/holidays.h"

namespace sotto {
namespace {

using std::chrono::days;
using std::chrono::year_month_day;
using Day = DayReader::Day;
using Every = DayReader::Day::Every;

struct Holiday {
  std::string_view name;
  int month;
  int day;
};
constexpr Holiday kHolidays[] = {
    {"christmas", 12, 25},         {"christmas day", 12, 25},  {"xmas", 12, 25},
    {"christmas eve", 12, 24},     {"boxing day", 12, 26},     {"new years eve", 12, 31},
    {"new years day", 1, 1},       {"new years", 1, 1},        {"new year", 1, 1},
    {"halloween", 10, 31},         {"valentines day", 2, 14},  {"valentines", 2, 14},
    {"saint patricks day", 3, 17}, {"st patricks day", 3, 17}, {"independence day", 7, 4},
    {"april fools day", 4, 1},     {"veterans day", 11, 11},   {"april fools", 4, 1},
    {"earth day", 4, 22},          {"cinco de mayo", 5, 5},    {"juneteenth", 6, 19},
    {"groundhog day", 2, 2},       {"mayday", 5, 1},           {"st patricks", 3, 17},
    {"the fourth of july", 7, 4},  {"all saints day", 11, 1},  {"epiphany", 1, 6},
    {"guy fawkes night", 11, 5},   {"bonfire night", 11, 5}};

}  // namespace

Date AddUnits(Date date, CalendarUnit unit, int count) {
  switch (unit) {
    case CalendarUnit::kMinute:
    case CalendarUnit::kHour:
      return date;
    case CalendarUnit::kDay:
      return date + days(count);
    case CalendarUnit::kBusinessDay:
      return AddBusinessDays(date, count);
    case CalendarUnit::kWeek:
      return date + days(7 * count);
    case CalendarUnit::kMonth:
      return AddMonths(date, count);
    case CalendarUnit::kQuarter:
      return AddMonths(date, 3 * count);
    case CalendarUnit::kYear:
      return AddMonths(date, 12 * count);
  }
  return date;
}

const std::vector<Day>& DayReader::At(size_t i) {
  i = std::min(i, at_.size() - 1);
  if (!at_[i]) {
    at_[i].emplace();  // while it is being read, nothing begins here
    std::vector<Day> found;
    if (i < words_.size()) Read(i, found);
    std::stable_sort(found.begin(), found.end(), [](const Day& a, const Day& b) { return a.end > b.end; });
    at_[i] = std::move(found);
  }
  return *at_[i];
}

const Day* DayReader::Longest(size_t i) {
  const std::vector<Day>& found = At(i);
  return found.empty() ? nullptr : &found.front();
}

void DayReader::Read(size_t i, std::vector<Day>& out) {
  ReadNamed(i, out);
  ReadMovable(i, out);
  ReadWeekday(i, out);
  ReadWeekdayInWeek(i, out);
  ReadWeekdayOfMonth(i, out);
  ReadMonthDay(i, out);
  ReadDayMonth(i, out);
  ReadDayAlone(i, out);
  ReadNumeric(i, out);
  ReadDistance(i, out);
  ReadNextTo(i, out);
  ReadEdge(i, out);
}

// today, tomorrow, the day before yesterday, tonight, christmas eve.
void DayReader::ReadNamed(size_t i, std::vector<Day>& out) const {
  const Date today = context_.today;
  const auto named = [&](std::initializer_list<std::string_view> phrases, int offset) {
    if (const size_t n = words_.Phrase(i, phrases)) Add(out, {today + days(offset)}, i + n);
  };
  named({"today", "tonight", "this morning", "this afternoon", "this evening", "this very day", "todays"}, 0);
  named({"tomorrow", "tomorrows", "tmrw", "tommorow", "tomorow", "tommorrow", "the next day"}, 1);
  named({"yesterday", "yesterdays", "last night", "yesturday", "yday"}, -1);
  named(
      {"day after tomorrow", "the day after tomorrow", "overmorrow", "day after tmrw", "the day after tmrw"},
      2);
  named({"day before yesterday", "the day before yesterday", "the night before last",
         "the other day before yesterday"},
        -2);
  if (const size_t n = words_.Phrase(
          i, {"today week", "a week today", "one week today", "this time next week", "this day next week",
              "the same day next week", "same day next week", "same time next week"}))
    Add(out, {today + days(7)}, i + n);
  if (const size_t n = words_.Phrase(i, {"tomorrow week", "a week tomorrow", "one week tomorrow"}))
    Add(out, {today + days(8)}, i + n);
  if (const size_t n = words_.Phrase(i, {"this time last week", "this day last week", "a week ago today"}))
    Add(out, {today - days(7)}, i + n);
  if (const size_t n = words_.Phrase(i, {"a week ago yesterday"})) Add(out, {today - days(8)}, i + n);
  for (const Holiday& holiday : kHolidays) {
    const size_t n = words_.Phrase(i, holiday.name);
    if (n == 0) continue;
    if (const auto year = words_.Year(i + n)) {
      if (const auto date = MakeDate(year->value, holiday.month, holiday.day)) Add(out, {*date}, year->end);
    } else {
      Add(out, DayOfYear(holiday.month, holiday.day), i + n, Every::kYear);
    }
  }
}

// Thanksgiving, easter monday, mother's day 2018.
void DayReader::ReadMovable(size_t i, std::vector<Day>& out) const {
  for (const MovableHoliday& holiday : MovableHolidays()) {
    const size_t n = words_.Phrase(i, holiday.name);
    if (n == 0) continue;
    const size_t year_at = words_.Skip(i + n, {"of", "in"});
    const int this_year = YearOf(context_.today);
    if (const auto year = words_.Year(year_at)) {
      Add(out, {holiday.in(year->value)}, year->end);
      continue;
    }
    const Date here = holiday.in(this_year);
    const Date ahead = here >= context_.today ? here : holiday.in(this_year + 1);
    const Date behind = here <= context_.today ? here : holiday.in(this_year - 1);
    Add(out, context_.past ? std::vector{behind, ahead} : std::vector{ahead, behind}, i + n);
  }
}

// Lean first, then the other side.
std::vector<Date> DayReader::DayOfYear(int month, int day) const {
  const int year = YearOf(context_.today);
  std::optional<Date> ahead;
  std::optional<Date> behind;
  for (int offset = 0; offset <= 8 && !ahead; ++offset) {
    const auto date = MakeDate(year + offset, month, day);
    if (date && *date >= context_.today) ahead = date;
  }
  for (int offset = 0; offset <= 8 && !behind; ++offset) {
    const auto date = MakeDate(year - offset, month, day);
    if (date && *date <= context_.today) behind = date;
  }
  std::vector<Date> dates;
  for (const auto& date : context_.past ? std::array{behind, ahead} : std::array{ahead, behind}) {
    if (date) Add(dates, *date);
  }
  return dates;
}

// Of the months around today that have such a day.
std::vector<Date> DayReader::DayOfSomeMonth(int day) const {
  std::vector<Date> ahead;
  std::vector<Date> behind;
  const Date month = MonthStart(context_.today);
  for (int offset = 0; offset <= 2; ++offset) {
    const Date start = AddMonths(month, offset);
    if (const auto date = MakeDate(YearOf(start), MonthNumber(start), day); date && *date >= context_.today)
      Add(ahead, *date);
  }
  for (int offset = 0; offset >= -2; --offset) {
    const Date start = AddMonths(month, offset);
    if (const auto date = MakeDate(YearOf(start), MonthNumber(start), day); date && *date <= context_.today)
      Add(behind, *date);
  }
  ahead.resize(std::min<size_t>(ahead.size(), 1));
  behind.resize(std::min<size_t>(behind.size(), 1));
  std::vector<Date> dates = context_.past ? behind : ahead;
  for (const Date date : context_.past ? ahead : behind) Add(dates, date);
  return dates;
}

std::optional<DayReader::MonthOf> DayReader::Month(size_t i) const {
  const Date month = MonthStart(context_.today);
  const auto relative = [&](size_t n, int offset) {
    return MonthOf{{AddMonths(month, offset)}, i + n, false};
  };
  if (const size_t n =
          words_.Phrase(i, {"next month", "the next month", "the following month", "the coming month"}))
    return relative(n, 1);
  if (const size_t n =
          words_.Phrase(i, {"this month", "the month", "the current month", "the present month"});
      n != 0 && !words_.Is(i + n, {"after", "before", "of"}))
    return relative(n, 0);
  if (const size_t n =
          words_.Phrase(i, {"last month", "the last month", "the previous month", "the past month"}))
    return relative(n, -1);
  if (const size_t n = words_.Phrase(i, {"the month after next", "month after next"})) return relative(n, 2);
  if (const size_t n = words_.Phrase(i, {"the month before last", "month before last"}))
    return relative(n, -2);
  size_t at = words_.Skip(i, {"the"});
  if (const size_t n =
          words_.Phrase(at, {"month of", "whole month of", "entire month of", "whole of", "all of"}))
    at += n;
  const size_t which = at;
  at = words_.Skip(at, {"next", "last", "this", "coming", "previous", "past"});
  const int number = words_.Month(at);
  if (number == 0 || (at > i && which == at && words_.Is(i, {"the"}) && at == i + 1)) return std::nullopt;
  const size_t end = at + 1;
  const size_t year_at = words_.Skip(end, {"of", "in"});
  const int this_year = YearOf(context_.today);
  std::optional<CalendarWords::Number> year = words_.Year(year_at);
  if (words_.Phrase(year_at, "this year") != 0) year = {this_year, year_at + 2};
  if (words_.Phrase(year_at, "next year") != 0) year = {this_year + 1, year_at + 2};
  if (words_.Phrase(year_at, "last year") != 0) year = {this_year - 1, year_at + 2};
  if (words_.Phrase(year_at, "the year before last") != 0) year = {this_year - 2, year_at + 4};
  if (year) {
    const auto start = MakeDate(year->value, number, 1);
    if (!start) return std::nullopt;
    return MonthOf{{*start}, year->end, false};
  }
  MonthOf named{{}, end, true};
  const auto start = [&](int y) { return *MakeDate(y, number, 1); };
  const int now = MonthNumber(context_.today);
  if (words_.Is(which, {"last", "previous", "past"}) && which < at) {
    Add(named.months, start(number < now ? this_year : this_year - 1));
  } else if (words_.Is(which, {"next", "coming"}) && which < at) {
    Add(named.months, start(number > now ? this_year : this_year + 1));
  } else if (words_.Is(which, {"this"}) && which < at) {
    Add(named.months, start(this_year));
  } else {
    Add(named.months, start(context_.past ? (number <= now ? this_year : this_year - 1)
                                          : (number >= now ? this_year : this_year + 1)));
    Add(named.months, start(context_.past ? (number <= now ? this_year + 1 : this_year)
                                          : (number >= now ? this_year - 1 : this_year)));
  }
  return named;
}

void DayReader::AddMonthDay(int month, int day, size_t end, std::vector<Day>& out) const {
  const int this_year = YearOf(context_.today);
  const size_t year_at = words_.Skip(end, {"of", "in"});
  std::optional<CalendarWords::Number> year = words_.Year(year_at);
  if (words_.Phrase(year_at, "this year") != 0) year = {this_year, year_at + 2};
  if (words_.Phrase(year_at, "next year") != 0) year = {this_year + 1, year_at + 2};
  if (words_.Phrase(year_at, "last year") != 0) year = {this_year - 1, year_at + 2};
  if (!year) {
    Add(out, DayOfYear(month, day), end, Every::kYear);
  } else if (const auto date = MakeDate(year->value, month, day)) {
    Add(out, {*date}, year->end);
  }
}

// "march third", "march the 3rd 2026", "march 3".
void DayReader::ReadMonthDay(size_t i, std::vector<Day>& out) const {
  const int month = words_.Month(i);
  if (month == 0) return;
  const size_t at = words_.Skip(i + 1, {"the"});
  if (const auto day = words_.Ordinal(at, 1, 31)) AddMonthDay(month, day->value, day->end, out);
  for (const auto& day : words_.Counts(i + 1, 1, 31)) {
    // "may 5 dollars", "march 5000" (another reading), "march 3 pm".
    if (words_.Is(day.end, {"dollars", "dollar", "bucks", "percent", "times"})) continue;
    AddMonthDay(month, day.value, day.end, out);
  }
}

// "the third of march", "3rd march 2026", "3 march", "the third day of march", "3rd of this month".
void DayReader::ReadDayMonth(size_t i, std::vector<Day>& out) const {
  const size_t at = words_.Skip(i, {"the"});
  std::vector<CalendarWords::Number> numbers = words_.Counts(at, 1, 31);
  if (at > i) numbers.clear();  // "the 3 march" is no date; "the 3rd march" is
  if (const auto ordinal = words_.Ordinal(at, 1, 31)) numbers.push_back(*ordinal);
  for (const auto& day : numbers) {
    size_t end = words_.Skip(day.end, {"day"});
    const bool of = words_.Is(end, {"of", "in"});
    if (of) ++end;
    if (const int month = words_.Month(end); month != 0) AddMonthDay(month, day.value, end + 1, out);
    if (words_.Month(end) != 0) continue;
    const auto month = Month(end);
    if (!month) continue;
    std::vector<Date> dates;
    for (const Date start : month->months) {
      if (const auto date = MakeDate(YearOf(start), MonthNumber(start), day.value)) Add(dates, *date);
    }
    Add(out, dates, month->end);
  }
}

// Whether what follows an ordinal leaves it a day of the month: not "the second card".
bool DayReader::MayBeDay(size_t end) const {
  if (end >= words_.size() || words_.EndsClause(end - 1)) return true;
  return words_.IsPartOfDay(end) ||
         words_.Is(end,
                   {"at",     "in",    "is",    "would",  "works", "please",  "or",     "and",    "to",
                    "for",    "if",    "then",  "will",   "suits", "sounds",  "seems",  "but",    "because",
                    "around", "about", "by",    "with",   "when",  "maybe",   "thanks", "i",      "that",
                    "could",  "can",   "after", "before", "from",  "instead", "until",  "till",   "through",
                    "thru",   "fine",  "good",  "ok",     "okay",  "between", "a",      "of",     "should",
                    "might",  "its",   "my",    "the",    "too",   "also",    "noon",   "midday", "early",
                    "late",   "not",   "so",    "does",   "am",    "onwards", "on",     "no",     "yes"});
}

// "the fifth", "5th", "on the 21st".
void DayReader::ReadDayAlone(size_t i, std::vector<Day>& out) const {
  const size_t at = words_.Skip(i, {"the"});
  const auto day = words_.Ordinal(at, 1, 31);
  if (!day || words_.Is(day->end, {"of"})) return;
  // "February 30th", "the 31st november": a day that the month does not have is none of another month.
  const size_t before = i > 0 && words_.Is(i - 1, {"the"}) ? i - 1 : i;
  if ((before > 0 && words_.Month(before - 1) != 0) || words_.Month(day->end) != 0) return;
  const bool numeral = !words_.At(at).empty() && words_.At(at).front() >= '0' && words_.At(at).front() <= '9';
  const bool on =
      i > 0 && words_.Is(i - 1, {"on", "by", "until", "till", "from", "since", "to", "before", "after"});
  const bool alone = words_.size() <= 2;
  if (at == i && !numeral && !on && !alone && day->value < 13)
    return;  // "first", "second" are said for other things
  if (!MayBeDay(day->end)) return;
  Add(out, DayOfSomeMonth(day->value), day->end, Every::kMonth);
}

// "2026-03-03", "5/5/2026", "03-04-26", "5/5", "15 3 2026".
void DayReader::ReadNumeric(size_t i, std::vector<Day>& out) const {
  const auto a = words_.Numeral(i);
  const auto b = words_.Numeral(i + 1);
  if (!a || !b) return;
  const char joiner = words_.Joiner(i);
  const bool joined = joiner == '/' || joiner == '-' || joiner == '.';
  const auto c = words_.Numeral(i + 2);
  const bool three = c && (!joined || words_.Joiner(i + 1) == joiner);
  std::vector<Date> dates;
  const auto add = [&](int year, int month, int day) {
    if (const auto date = MakeDate(year, month, day)) Add(dates, *date);
  };
  if (three && words_.At(i).size() == 4 && a->value >= 1900) {
    add(a->value, b->value, c->value);
    return Add(out, dates, i + 3);
  }
  const bool short_year = three && joined && words_.At(i + 2).size() == 2;
  if (three && (words_.At(i + 2).size() == 4 || short_year)) {
    int year = c->value;
    if (short_year) year += YearOf(context_.today) / 100 * 100;
    const int limit = YearOf(context_.today) + (context_.past ? 0 : 20);
    if (short_year && year > limit) year -= 100;
    const int first = context_.day_first ? b->value : a->value;
    const int second = context_.day_first ? a->value : b->value;
    add(year, first, second);
    add(year, second, first);
    return Add(out, dates, i + 3);
  }
  if (joiner != '/' || (c && words_.Joiner(i + 1) == '/') || (a->value == 24 && b->value == 7)) return;
  const auto add_both = [&](int month, int day) {
    if (month < 1 || month > 12 || day < 1 || day > 31) return;
    for (const Date date : DayOfYear(month, day)) Add(dates, date);
  };
  add_both(context_.day_first ? b->value : a->value, context_.day_first ? a->value : b->value);
  add_both(context_.day_first ? a->value : b->value, context_.day_first ? b->value : a->value);
  Add(out, dates, i + 2, Every::kYear);
}

// "in three days", "two weeks from tuesday", "a week on monday", "ten days ago", "three days before
// christmas".
void DayReader::ReadDistance(size_t i, std::vector<Day>& out) {
  const bool in = words_.Is(i, {"in", "within"});
  size_t at = in ? words_.Skip(i + 1, {"exactly", "about", "just", "like"}) : i;
  std::optional<CalendarWords::Number> count = words_.HowMany(at);
  if (!count && (words_.Is(at, {"week", "fortnight"})) && words_.Is(at + 1, {"on", "from"}))
    count = CalendarWords::Number{1, at};
  if (const size_t half = words_.Phrase(at, {"half a year"});
      half != 0 && (in || words_.Is(at + half, {"ago"}))) {
    Add(out, {AddMonths(context_.today, in ? 6 : -6)}, at + half + (in ? 0u : 1u));
    return;
  }
  if (!count) return;
  const auto unit = words_.Unit(count->end);
  if (!unit || unit->unit == CalendarUnit::kMinute || unit->unit == CalendarUnit::kHour) return;
  const int n = count->value * unit->times;
  const auto from_today = [&](int by) { return AddUnits(context_.today, unit->unit, by); };
  const size_t end = unit->end;
  if (in) {
    if (words_.Is(i, {"within"})) return;
    Add(out, {from_today(n)}, words_.Skip(end, {"time"}));
  } else if (words_.Is(end, {"ago", "back"})) {
    Add(out, {from_today(-n)}, end + 1);
  } else if (words_.Is(end, {"time"}) || words_.Phrase(end, "from now") != 0 ||
             words_.Phrase(end, "from today") != 0) {
    Add(out, {from_today(n)}, end + (words_.Is(end, {"time"}) ? 1 : 2));
  } else if (words_.Phrase(end, "before now") != 0) {
    Add(out, {from_today(-n)}, end + 2);
  } else if (words_.Is(end, {"from", "after", "before", "prior", "past"}) ||
             (words_.Is(end, {"on"}) && unit->unit == CalendarUnit::kWeek)) {
    const size_t day_at = words_.Is(end, {"prior"}) ? words_.Skip(end + 1, {"to"}) : end + 1;
    const Day* day = Longest(day_at);
    if (day == nullptr) return;
    const Day base = *day;
    const int sign = words_.Is(end, {"before", "prior"}) ? -1 : 1;
    Add(out, {AddUnits(base.dates.front(), unit->unit, sign * n)}, base.end);
  }
}

// "the day after christmas", "the day before the 5th".
void DayReader::ReadNextTo(size_t i, std::vector<Day>& out) {
  size_t n = words_.Phrase(i, {"the day after", "day after", "the day following", "the morning after"});
  int by = 1;
  if (n == 0) {
    n = words_.Phrase(i, {"the day before", "day before", "the eve of", "the night before"});
    by = -1;
  }
  if (n == 0) return;
  const Day* day = Longest(i + n);
  if (day == nullptr) return;
  const Day base = *day;
  Add(out, {base.dates.front() + days(by)}, base.end);
}

// "end of the month", "the first of next month", "the last day of february", "mid march".
void DayReader::ReadEdge(size_t i, std::vector<Day>& out) const {
  enum class Edge { kStart, kMiddle, kEnd };
  size_t at = words_.Skip(i, {"the"});
  at = words_.Skip(at, {"very"});
  Edge edge = Edge::kEnd;
  size_t n =
      words_.Phrase(at, {"end of", "last day of", "last of", "final day of", "very end of", "last day in"});
  if (n == 0) {
    edge = Edge::kStart;
    n = words_.Phrase(at, {"start of", "beginning of", "first day of", "first of", "first day in"});
  }
  if (n == 0) {
    edge = Edge::kMiddle;
    n = words_.Phrase(at, {"middle of", "mid"});
  }
  if (n == 0) {
    if (const size_t end = words_.Phrase(i, {"month end", "months end"}))
      Add(out, {MonthEnd(context_.today)}, i + end);
    if (const size_t end = words_.Phrase(i, {"year end", "years end"}))
      Add(out, {*MakeDate(YearOf(context_.today), 12, 31)}, i + end);
    return;
  }
  at += n;
  const auto add = [&](Date from, Date to, size_t end) {
    Add(out, {edge == Edge::kStart ? from : edge == Edge::kEnd ? to : from + (to - from) / 2}, end);
  };
  const bool bare_month = words_.Is(at, {"month"}) && !words_.Is(at + 1, {"after", "before"});
  if (const auto month =
          bare_month ? std::optional(MonthOf{{MonthStart(context_.today)}, at + 1, false}) : Month(at)) {
    std::vector<Date> dates;
    for (const Date start : month->months)
      Add(dates, edge == Edge::kStart ? start : edge == Edge::kEnd ? MonthEnd(start) : start + days(14));
    // "the start of the month" on the tenth is the next one's.
    if (edge == Edge::kStart && !context_.past && words_.Phrase(at, {"the month", "month"}) != 0)
      dates.insert(dates.begin(), AddMonths(MonthStart(context_.today), 1));
    return Add(out, dates, month->end);
  }
  if (const auto week =
          words_.Is(at, {"week"}) ? std::optional(WeekOf{WeekStart(context_.today), at + 1}) : Week(at)) {
    const std::vector<Date> end_days{week->monday + days(4), week->monday + days(6)};
    return Add(
        out,
        edge == Edge::kEnd ? end_days : std::vector<Date>{week->monday + days(edge == Edge::kStart ? 0 : 2)},
        week->end);
  }
  const int year = YearOf(context_.today);
  const auto add_year = [&](size_t words, int y) {
    if (words != 0 && y >= 1 && y <= 9999) add(*MakeDate(y, 1, 1), *MakeDate(y, 12, 31), at + words);
  };
  add_year(words_.Phrase(at, {"the year", "year", "this year", "the current year"}),
           edge == Edge::kStart && !context_.past ? year + 1 : year);
  add_year(words_.Phrase(at, {"next year", "the next year"}), year + 1);
  add_year(words_.Phrase(at, {"last year", "the last year", "the previous year"}), year - 1);
  if (const auto named = words_.Year(at)) add_year(named->end - at, named->value);
}

}  // namespace sotto
