#include "text/date_ranges.h"

#include <algorithm>
#include <optional>

#include "text/day_arithmetic.h"
#include "text/day_reader.h"

namespace sotto {
namespace {

using std::chrono::days;
using std::chrono::year_month_day;
using Every = DayReader::Day::Every;

constexpr int kHalfMonth = 15;

// What was said from the place to before `end`, and what it may mean, the conventional range first.
struct Stretch {
  std::vector<DateRange> ranges;
  size_t end = 0;
  Every every = Every::kNever;
};

Date FirstOf(int year, unsigned month) {
  return Date(std::chrono::year(year) / std::chrono::month(month) / 1);
}

DateRange YearRange(int year) { return {FirstOf(year, 1), MonthEnd(FirstOf(year, 12))}; }
DateRange QuarterRange(int year, int quarter) {
  const Date from = FirstOf(year, static_cast<unsigned>(3 * quarter - 2));
  return {from, MonthEnd(AddMonths(from, 2))};
}
int QuarterOf(Date date) { return (MonthNumber(date) + 2) / 3; }

Date Shift(Date date, Every every, int times) {
  switch (every) {
    case Every::kNever:
      return date;
    case Every::kWeek:
      return date + days(7 * times);
    case Every::kMonth:
      return AddMonths(date, times);
    case Every::kYear:
      return AddMonths(date, 12 * times);
  }
  return date;
}

class RangeReader {
 public:
  RangeReader(const CalendarWords& words, const DateContext& context)
      : words_(words), context_(context), days_(words, context) {}

  // Longest first.
  std::vector<Stretch> At(size_t i) {
    std::vector<Stretch> out = Simple(i);
    ReadFromTo(i, out);
    ReadOpen(i, out);
    ReadTogether(i, out);
    std::stable_sort(out.begin(), out.end(),
                     [](const Stretch& a, const Stretch& b) { return a.end > b.end; });
    return out;
  }

 private:
  void Add(std::vector<Stretch>& out, std::vector<DateRange> ranges, size_t end,
           Every every = Every::kNever) const {
    std::erase_if(ranges, [](const DateRange& range) {
      return range.to < range.from || !IsValidDate(year_month_day(range.from)) ||
             !IsValidDate(year_month_day(range.to));
    });
    if (!ranges.empty()) out.push_back({std::move(ranges), end, every});
  }

  // Everything that names its days itself.
  std::vector<Stretch> Simple(size_t i) {
    std::vector<Stretch> out;
    if (i >= words_.size()) return out;
    ReadUnit(i, out);
    ReadCounted(i, out);
    ReadPartOf(i, out);
    ReadMonth(i, out);
    ReadQuarter(i, out);
    ReadYear(i, out);
    ReadWeekend(i, out);
    ReadWeekOf(i, out);
    for (const DayReader::Day& day : days_.At(i)) {
      std::vector<DateRange> ranges;
      for (const Date date : day.dates) ranges.push_back({date, date});
      Add(out, ranges, day.end, day.every);
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const Stretch& a, const Stretch& b) { return a.end > b.end; });
    return out;
  }

  std::optional<DateRange> CalendarRange(CalendarUnit unit, int offset) const {
    const Date today = context_.today;
    switch (unit) {
      case CalendarUnit::kWeek:
        return DateRange{WeekStart(today) + days(7 * offset), WeekStart(today) + days(7 * offset + 6)};
      case CalendarUnit::kMonth:
        return DateRange{AddMonths(MonthStart(today), offset),
                         MonthEnd(AddMonths(MonthStart(today), offset))};
      case CalendarUnit::kQuarter: {
        const Date start = AddMonths(QuarterRange(YearOf(today), QuarterOf(today)).from, 3 * offset);
        return DateRange{start, MonthEnd(AddMonths(start, 2))};
      }
      case CalendarUnit::kYear:
        return YearRange(YearOf(today) + offset);
      default:
        return std::nullopt;
    }
  }
  DateRange Rolling(CalendarUnit unit, int count) const {
    const Date other = AddUnits(context_.today, unit, count);
    return count < 0 ? DateRange{other, context_.today} : DateRange{context_.today, other};
  }

  // Where "the", "all of the", "the whole" and the like end.
  size_t SkipAll(size_t i) const {
    const size_t n = words_.Phrase(
        i, {"all of the", "all of", "all", "the whole of the", "the whole of", "the whole", "the entire",
            "the full", "the", "my", "whole", "entire", "your", "our", "sometime", "some time"});
    return i + n;
  }

  // "last month", "this week", "the past year", "the month before last", "the year to date".
  void ReadUnit(size_t i, std::vector<Stretch>& out) const {
    size_t at = SkipAll(i);
    const bool so_far = words_.Phrase(at, "so far") != 0;
    if (so_far) at += 2;
    const bool last = words_.Is(at, {"last", "previous", "past", "preceding", "prior"});
    const bool next = words_.Is(at, {"next", "coming", "following", "upcoming"});
    const bool here = words_.Is(at, {"this", "current", "present", "ongoing"});
    if (last || next || here) {
      const size_t word = words_.Skip(at + 1, {"full", "calendar", "coming", "past", "whole", "entire"});
      const auto unit = words_.Unit(word);
      if (!unit) return;
      std::vector<DateRange> ranges;
      const int sign = last ? -1 : next ? 1 : 0;
      if (unit->times == 1 && !words_.At(word).ends_with("s")) {
        if (const auto range = CalendarRange(unit->unit, sign)) ranges.push_back(*range);
      }
      if (sign != 0) ranges.push_back(Rolling(unit->unit, sign * unit->times));
      if (words_.Is(at, {"past"}) && ranges.size() == 2) std::swap(ranges[0], ranges[1]);
      if (unit->unit == CalendarUnit::kDay || unit->unit == CalendarUnit::kHour ||
          unit->unit == CalendarUnit::kMinute)
        return;
      Add(out, ranges, unit->end);
      if (sign != 0 && words_.Phrase(unit->end, "and a half") != 0)
        Add(out, {HalfMore(unit->unit, sign, unit->times)}, unit->end + 3);
      if (here && (words_.Phrase(unit->end, {"so far", "to date"}) != 0 || so_far) && !ranges.empty())
        Add(out, {{ranges[0].from, context_.today}}, unit->end + (so_far ? 0 : 2));
      return;
    }
    const auto unit = words_.Unit(at);
    if (!unit) return;
    if (const size_t n = words_.Phrase(unit->end, {"before last", "before the last"})) {
      if (const auto range = CalendarRange(unit->unit, -2)) Add(out, {*range}, unit->end + n);
    } else if (const size_t m = words_.Phrase(unit->end, {"after next", "after the next"})) {
      if (const auto range = CalendarRange(unit->unit, 2)) Add(out, {*range}, unit->end + m);
    } else if (const size_t d = words_.Phrase(unit->end, {"to date", "so far", "till now", "until now"})) {
      if (const auto range = CalendarRange(unit->unit, 0))
        Add(out, {{range->from, context_.today}}, unit->end + d);
    } else if (at > i && words_.Phrase(i, {"all", "the whole", "the entire", "all of the", "the full",
                                           "whole", "entire"}) != 0) {
      if (const auto range = CalendarRange(unit->unit, 0)) Add(out, {*range}, unit->end);
    }
  }

  DateRange HalfMore(CalendarUnit unit, int sign, int times) const {
    if (unit == CalendarUnit::kYear) return Rolling(CalendarUnit::kMonth, sign * 18 * times);
    if (unit == CalendarUnit::kMonth) return Rolling(CalendarUnit::kDay, sign * 45);
    return Rolling(CalendarUnit::kDay, sign * (unit == CalendarUnit::kWeek ? 11 : 2));
  }

  // "the last two weeks", "the next ten days", "the past 24 hours", "two weeks back until today".
  void ReadCounted(size_t i, std::vector<Stretch>& out) const {
    const size_t at = SkipAll(i);
    const bool last = words_.Is(at, {"last", "past", "previous", "preceding", "prior", "latest", "recent"});
    const bool next = words_.Is(at, {"next", "coming", "following", "upcoming"});
    if (!last && !next) return;
    if (const size_t n = words_.Phrase(at + 1, {"half year", "half a year", "six months"})) {
      Add(out, {Rolling(CalendarUnit::kMonth, last ? -6 : 6)}, at + 1 + n);
      return;
    }
    const auto count = words_.HowMany(at + 1);
    if (!count) return;
    const auto unit = words_.Unit(count->end);
    if (!unit) return;
    const int n = (last ? -1 : 1) * count->value * unit->times;
    if (unit->unit == CalendarUnit::kHour) {
      Add(out, {Rolling(CalendarUnit::kDay, n < 0 ? (n - 23) / 24 : (n + 23) / 24)}, unit->end);
    } else if (unit->unit != CalendarUnit::kMinute) {
      Add(out, {Rolling(unit->unit, n)}, unit->end);
    }
  }

  // "the first week of may", "the last ten days of march", "the first half of the month".
  void ReadPartOf(size_t i, std::vector<Stretch>& out) const {
    const size_t at = words_.Skip(i, {"the"});
    const bool last = words_.Is(at, {"last", "final"});
    const auto nth = words_.Ordinal(at, 1, 5);
    if (!last && !nth) return;
    const size_t behind = last ? at + 1 : nth->end;
    const bool half = words_.Is(behind, {"half"});
    const auto count = half ? std::nullopt : words_.HowMany(behind);
    const auto unit = half
                          ? std::optional(CalendarWords::UnitWord{CalendarUnit::kDay, kHalfMonth, behind + 1})
                          : words_.Unit(count ? count->end : behind);
    if (!unit || !words_.Is(unit->end, {"of", "in"})) return;
    const int n_days = (unit->unit == CalendarUnit::kWeek  ? 7
                        : unit->unit == CalendarUnit::kDay ? 1
                                                           : 0) *
                       unit->times * (count ? count->value : 1);
    const auto month = days_.Month(unit->end + 1);
    if (n_days == 0 || !month || (unit->unit == CalendarUnit::kDay && !count && !half)) return;
    std::vector<DateRange> ranges;
    for (const Date start : month->months) {
      const Date end = MonthEnd(start);
      const int skipped = count || last ? 0 : (nth->value - 1) * n_days;
      const Date from =
          last ? (half ? start + days(kHalfMonth) : end - days(n_days - 1)) : start + days(skipped);
      Date to = last || (half && nth->value == 2) ? end : from + days(n_days - 1);
      ranges.push_back({from, std::min(to, end)});
    }
    Add(out, ranges, month->end);
  }

  // "march", "march 2025", "last march"; "may" and "march" only where they must be months.
  void ReadMonth(size_t i, std::vector<Stretch>& out) const {
    const auto month = days_.Month(i);
    if (!month) return;
    const bool bare = words_.IsDoubtfulMonth(i) && month->end == i + 1;
    const bool placed =
        i > 0 && words_.Is(i - 1, {"in", "for", "of", "during", "since", "from", "to", "until", "till",
                                   "through", "thru", "between", "and", "entire", "whole"});
    if (bare && !placed && words_.size() > 1) return;
    if (words_.Is(i, {"the", "this", "last", "next"}) && words_.Is(month->end - 1, {"month"}))
      return;  // ReadUnit
    // "February 30th" is no day, and does not mean all of February either.
    const auto day = words_.Ordinal(words_.Skip(month->end, {"the"}), 1, 31);
    const auto has = [&](Date start) {
      return MakeDate(YearOf(start), MonthNumber(start), day->value).has_value();
    };
    if (day && std::none_of(month->months.begin(), month->months.end(), has)) return;
    std::vector<DateRange> ranges;
    for (const Date start : month->months) ranges.push_back({start, MonthEnd(start)});
    Add(out, ranges, month->end, month->no_year ? Every::kYear : Every::kNever);
  }

  // The year that stands at i ("of 2025", "last year"), and the words behind it.
  std::optional<CalendarWords::Number> YearAt(size_t i) const {
    i = words_.Skip(i, {"of", "in"});
    const int now = YearOf(context_.today);
    if (const auto year = words_.Year(i)) return year;
    if (const size_t n = words_.Phrase(i, {"this year", "the year", "the current year"}))
      return {{now, i + n}};
    if (const size_t n = words_.Phrase(i, {"last year", "the previous year", "the last year"}))
      return {{now - 1, i + n}};
    if (const size_t n = words_.Phrase(i, {"next year", "the next year", "the coming year"}))
      return {{now + 1, i + n}};
    if (const size_t n = words_.Phrase(i, {"the year before last"})) return {{now - 2, i + n}};
    return std::nullopt;
  }

  // "q1", "the first quarter of 2025", "the second half of last year", "h1".
  void ReadQuarter(size_t i, std::vector<Stretch>& out) const {
    size_t at = words_.Skip(i, {"the"});
    int part = 0;
    bool half = false;
    const std::string_view word = words_.At(at);
    if (word.size() == 2 && (word[0] == 'q' || word[0] == 'h') && word[1] >= '1' &&
        word[1] <= (word[0] == 'q' ? '4' : '2')) {
      part = word[1] - '0';
      half = word[0] == 'h';
      ++at;
    } else if (const auto number =
                   word == "q" || word == "quarter" ? words_.Count(at + 1, 1, 4) : std::nullopt) {
      part = number->value;
      at = number->end;
    } else if (const auto nth = words_.Ordinal(at, 1, 4); nth && words_.Is(nth->end, {"quarter", "half"})) {
      half = words_.Is(nth->end, {"half"});
      part = nth->value;
      at = nth->end + 1;
      if (half && !YearAt(at)) return;  // of what?
    } else if (words_.Is(at, {"last"}) && words_.Is(at + 1, {"quarter", "half"}) &&
               words_.Is(at + 2, {"of"})) {
      half = words_.Is(at + 1, {"half"});
      part = half ? 2 : 4;
      at += 2;
      if (!YearAt(at)) return;
    }
    if (part == 0 || (half && part > 2)) return;
    const auto range = [&](int year) {
      return half ? DateRange{QuarterRange(year, 2 * part - 1).from, QuarterRange(year, 2 * part).to}
                  : QuarterRange(year, part);
    };
    if (const auto year = YearAt(at)) return Add(out, {range(year->value)}, year->end);
    const int now = YearOf(context_.today);
    const bool other = context_.past ? range(now).from > context_.today : range(now).to < context_.today;
    const int step = context_.past ? -1 : 1;
    Add(out, {range(other ? now + step : now), range(other ? now : now + step)}, at, Every::kYear);
  }

  // "2025", "the year 2025", "in nineteen eighty five".
  void ReadYear(size_t i, std::vector<Stretch>& out) const {
    const size_t n = words_.Phrase(i, {"the year of", "the year", "year"});
    const auto year = words_.Year(i + n);
    if (!year) return;
    const bool placed = n != 0 || words_.size() <= 2 ||
                        (i > 0 && words_.Is(i - 1, {"in", "for", "of", "during", "since", "from", "to",
                                                    "until", "through", "between", "and", "all", "whole"}));
    if (placed) Add(out, {YearRange(year->value)}, year->end);
  }

  void ReadWeekend(size_t i, std::vector<Stretch>& out) {
    const Date saturday = WeekStart(context_.today) + days(5);
    const auto weekend = [&](int offset) {
      return DateRange{saturday + days(7 * offset), saturday + days(7 * offset + 1)};
    };
    const auto add = [&](std::initializer_list<std::string_view> phrases, std::vector<DateRange> ranges) {
      if (const size_t n = words_.Phrase(i, phrases)) Add(out, std::move(ranges), i + n);
    };
    const bool after = words_.Is(i + 2, {"after", "before", "of"});
    if (!after) {
      add({"this weekend", "the weekend", "this coming weekend", "the coming weekend"},
          {context_.past && !words_.Is(i, {"this"}) ? weekend(-1) : weekend(0)});
      add({"next weekend", "the next weekend"}, {weekend(1), weekend(0)});
      add({"last weekend", "the last weekend", "the past weekend", "this past weekend",
           "the previous weekend"},
          {weekend(-1)});
    }
    add({"the weekend after next", "weekend after next", "the weekend after"}, {weekend(2)});
    add({"the weekend before last", "weekend before last"}, {weekend(-2)});
    if (const size_t n = words_.Phrase(i, {"the weekend of", "weekend of"})) {
      const DayReader::Day* day = days_.Longest(i + n);
      if (day == nullptr) return;
      const Date start = WeekStart(day->dates.front()) + days(5);
      Add(out, {{start, start + days(1)}}, day->end);
    }
  }

  // "the week of may fifth", "the week beginning the 5th".
  void ReadWeekOf(size_t i, std::vector<Stretch>& out) {
    const size_t at = words_.Skip(i, {"the"});
    if (!words_.Is(at, {"week"})) return;
    const bool of = words_.Is(at + 1, {"of", "containing", "with"});
    if (!of && !words_.Is(at + 1, {"beginning", "starting", "commencing", "from"})) return;
    const DayReader::Day* day = days_.Longest(words_.Skip(at + 2, {"on", "from"}));
    if (day == nullptr) return;
    std::vector<DateRange> ranges;
    for (const Date date : day->dates) {
      const Date start = of ? WeekStart(date) : date;
      ranges.push_back({start, start + days(6)});
    }
    Add(out, ranges, day->end);
  }

  // A day whose month the other end of the range names: "the first", "15".
  std::optional<CalendarWords::Number> DayNumber(size_t i) const {
    const size_t at = words_.Skip(i, {"the"});
    if (const auto ordinal = words_.Ordinal(at, 1, 31)) return ordinal;
    return words_.Count(at, 1, 31);
  }

  size_t Link(size_t i, bool between) const {
    if (between && words_.Is(i, {"and"})) return 1;
    return words_.Phrase(
        i, {"to", "until", "till", "through", "thru", "up to", "up until", "and until", "through to"});
  }

  // "from the first to the fifteenth", "between monday and wednesday", "march 3 to 10", "march to may".
  void ReadFromTo(size_t i, std::vector<Stretch>& out) {
    const bool between = words_.Is(i, {"between"});
    const bool from = words_.Is(i, {"from", "starting", "beginning"});
    const size_t at = between || from ? words_.Skip(i + 1, {"from", "on"}) : i;
    for (const Stretch& first : Simple(at)) {
      size_t second_at = first.end;
      size_t n = Link(first.end, between);
      const bool dash = n == 0 && first.end > 0 && words_.Dash(first.end - 1);
      if (n == 0 && !dash) continue;
      second_at += n;
      for (const Stretch& second : Simple(second_at)) Join(first, second, out);
      // "march 3 to 10": a day of the first one's month.
      if (const auto day = DayNumber(second_at); day && words_.Month(day->end) == 0) {
        std::vector<DateRange> ranges;
        for (const DateRange& range : first.ranges) {
          const year_month_day start(range.from);
          const year_month_day to =
              start.year() / start.month() / std::chrono::day(static_cast<unsigned>(day->value));
          if (range.from == range.to && to.ok()) ranges.push_back({range.from, Date(to)});
        }
        if (first.every != Every::kWeek) Add(out, ranges, day->end);
      }
    }
    // "from 1 to 15 may", "the first to the fifteenth of may": a day of the second one's month.
    const auto day = DayNumber(at);
    if (!day) return;
    const size_t n = Link(day->end, between);
    if (n == 0 && !words_.Dash(day->end - 1)) return;
    for (const Stretch& second : Simple(day->end + n)) {
      std::vector<DateRange> ranges;
      for (const DateRange& range : second.ranges) {
        const year_month_day end(range.to);
        const year_month_day start =
            end.year() / end.month() / std::chrono::day(static_cast<unsigned>(day->value));
        if (range.from == range.to && start.ok()) ranges.push_back({Date(start), range.to});
      }
      if (second.every == Every::kYear || second.every == Every::kNever) Add(out, ranges, second.end);
    }
  }

  // Behind: the latest end, and the last beginning before it. Ahead: the first beginning, and the first end
  // after it.
  void Join(const Stretch& first, const Stretch& second, std::vector<Stretch>& out) const {
    DateRange range{first.ranges.front().from, second.ranges.front().to};
    // "october 1 to october 10 2016", "the 4th to the 22nd of january 2017": the end says of which year or month the
    // beginning is.
    if (second.every == Every::kNever && (first.every == Every::kYear || first.every == Every::kMonth)) {
      const Date said = range.from;
      for (int n = 1; range.from > range.to && n < 60; ++n) range.from = Shift(said, first.every, -n);
      for (int n = 1; n < 60 && Shift(said, first.every, n) <= range.to; ++n)
        range.from = Shift(said, first.every, n);
      return Add(out, {range}, second.end);
    }
    if (context_.past && first.every != Every::kNever) {
      for (int n = 0; range.from > range.to && n < 8; ++n)
        range.from = Shift(first.ranges.front().from, first.every, -n);
    } else {
      if (second.every != Every::kNever) range.to = second.ranges.front().to;
      for (const DateRange& other : second.ranges) {
        if (range.to < range.from || (other.to >= range.from && other.to < range.to)) range.to = other.to;
      }
      for (int n = 0; range.to < range.from && n < 8; ++n)
        range.to = Shift(second.ranges.front().to, second.every, n);
    }
    Add(out, {range}, second.end);
  }

  // "since march", "from the fifth on", "until friday".
  void ReadOpen(size_t i, std::vector<Stretch>& out) {
    const bool since = words_.Is(i, {"since"});
    const bool from = words_.Is(i, {"from", "starting", "beginning"});
    const size_t until = words_.Phrase(i, {"until", "till", "up to", "up until", "through", "by", "before"});
    if (!since && !from && until == 0) return;
    for (const Stretch& edge : Simple(since || from ? i + 1 : i + until)) {
      if (since || from) {
        const size_t on =
            words_.Phrase(edge.end, {"on", "onward", "onwards", "to now", "until now", "till now", "to date",
                                     "to the present", "up to now", "to present", "until today", "forward"});
        if (from && on == 0) continue;
        std::vector<DateRange> ranges;
        for (const DateRange& range : edge.ranges) {
          Date start = range.from;
          for (int n = 1; start > context_.today && edge.every != Every::kNever && n < 8; ++n)
            start = Shift(range.from, edge.every, -n);
          ranges.push_back({start, context_.today});
        }
        Add(out, ranges, edge.end + on);
      } else if (!words_.Is(i, {"by", "before"})) {
        std::vector<DateRange> ranges;
        for (const DateRange& range : edge.ranges) ranges.push_back({context_.today, range.to});
        Add(out, ranges, edge.end);
      }
    }
  }

  // "yesterday and today", "march and april": neighbours that make one range.
  void ReadTogether(size_t i, std::vector<Stretch>& out) {
    for (const Stretch& first : Simple(i)) {
      if (!words_.Is(first.end, {"and"})) continue;
      for (const Stretch& second : Simple(first.end + 1)) {
        if (first.ranges.front().to + days(1) != second.ranges.front().from) continue;
        Add(out, {{first.ranges.front().from, second.ranges.front().to}}, second.end);
      }
    }
  }

  const CalendarWords& words_;
  const DateContext context_;
  DayReader days_;
};

}  // namespace

std::vector<DateRangeReading> ReadDateRanges(std::string_view text, std::span<const NormalisedWord> words,
                                             const DateContext& context) {
  const CalendarWords calendar(text, words);
  RangeReader reader(calendar, context);
  std::vector<DateRangeReading> readings;
  size_t reached = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::vector<Stretch> found = reader.At(i);
    if (found.empty() || found.front().end <= reached) continue;
    reached = found.front().end;
    for (const Stretch& stretch : found) {
      if (stretch.end != reached) continue;
      for (const DateRange& range : stretch.ranges) {
        const bool known =
            std::any_of(readings.begin(), readings.end(), [&](const DateRangeReading& reading) {
              return reading.begin == i && reading.end == reached && reading.range == range;
            });
        if (!known) readings.push_back({range, i, reached});
      }
    }
  }
  return readings;
}

std::vector<DateRangeReading> ReadDateRanges(std::string_view text, const DateContext& context) {
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(text);
  return ReadDateRanges(text, words, context);
}

}  // namespace sotto
