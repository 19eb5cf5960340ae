#include "text/times.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "text/calendar_words.h"

namespace sotto {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr minutes kDay{24 * 60};

constexpr DayTime Window(int from_hour, int to_hour) { return {hours(from_hour), hours(to_hour)}; }

constexpr PartOfDay kPartsOfDay[] = {{"in the morning", Window(6, 12)},  {"in the afternoon", Window(12, 18)},
                                     {"in the evening", Window(18, 22)}, {"at night", Window(21, 24)},
                                     {"at lunchtime", Window(12, 14)},   {"at any time", Window(0, 24)}};

struct NamedWindow {
  std::string_view words;
  DayTime time;
};
constexpr NamedWindow kWindows[] = {{"morning", Window(6, 12)},
                                    {"mornings", Window(6, 12)},
                                    {"afternoon", Window(12, 18)},
                                    {"afternoons", Window(12, 18)},
                                    {"evening", Window(18, 22)},
                                    {"evenings", Window(18, 22)},
                                    {"tonight", Window(18, 24)},
                                    {"night", Window(21, 24)},
                                    {"early morning", Window(6, 9)},
                                    {"early in the morning", Window(6, 9)},
                                    {"early afternoon", Window(12, 15)},
                                    {"early in the afternoon", Window(12, 15)},
                                    {"early evening", Window(18, 20)},
                                    {"early in the evening", Window(18, 20)},
                                    {"mid morning", Window(9, 11)},
                                    {"midmorning", Window(9, 11)},
                                    {"mid afternoon", Window(14, 16)},
                                    {"late morning", Window(10, 12)},
                                    {"late in the morning", Window(10, 12)},
                                    {"late afternoon", Window(15, 18)},
                                    {"late in the afternoon", Window(15, 18)},
                                    {"late evening", Window(20, 22)},
                                    {"late at night", Window(22, 24)},
                                    {"late in the evening", Window(20, 22)},
                                    {"first thing", Window(8, 10)},
                                    {"first thing in the morning", Window(8, 10)},
                                    {"lunchtime", Window(12, 14)},
                                    {"lunch time", Window(12, 14)},
                                    {"around lunch", Window(12, 14)},
                                    {"over lunch", Window(12, 14)},
                                    {"before lunch", Window(6, 12)},
                                    {"after lunch", Window(13, 18)},
                                    {"after work", Window(17, 21)},
                                    {"before work", Window(6, 9)},
                                    {"any time", Window(0, 24)},
                                    {"anytime", Window(0, 24)},
                                    {"any time of day", Window(0, 24)},
                                    {"all day", Window(0, 24)},
                                    {"at any time", Window(0, 24)},
                                    {"whenever", Window(0, 24)},
                                    {"business hours", Window(9, 17)},
                                    {"office hours", Window(9, 17)},
                                    {"working hours", Window(9, 17)},
                                    {"end of the day", Window(16, 18)},
                                    {"end of day", Window(16, 18)},
                                    {"close of business", Window(16, 18)},
                                    {"breakfast time", Window(7, 9)},
                                    {"dinner time", Window(18, 20)},
                                    {"dinnertime", Window(18, 20)},
                                    {"teatime", Window(16, 18)},
                                    {"tea time", Window(16, 18)}};

class TimeReader {
 public:
  explicit TimeReader(const CalendarWords& words) : words_(words) {}

  std::vector<TimeReading> Read() {
    std::vector<TimeReading> readings;
    size_t reached = 0;
    for (size_t i = 0; i < words_.size(); ++i) {
      found_.clear();
      ReadSpan(i);
      ReadNamed(i);
      ReadPoint(i);
      size_t longest = 0;
      for (const Found& found : found_) longest = std::max(longest, found.end);
      if (longest <= reached) continue;
      reached = longest;
      for (const Found& found : found_) {
        if (found.end != reached) continue;
        const bool known = std::any_of(readings.begin(), readings.end(), [&](const TimeReading& reading) {
          return reading.begin == i && reading.time == found.time;
        });
        if (!known) readings.push_back({found.time, i, reached});
      }
    }
    return readings;
  }

 private:
  enum class Half { kUnknown, kMorning, kAfternoon, kNight };
  struct Found {
    DayTime time;
    size_t end;
  };
  // A point of the day that was said, and what it may be, the conventional one first.
  struct Point {
    std::vector<minutes> times;
    size_t end = 0;
    bool sure = false;                         // a time whatever stands around it
    std::optional<std::pair<int, int>> clock;  // hour and minute, where morning or afternoon was not said
  };

  static std::vector<minutes> OfClock(int hour, int minute, Half half) {
    const minutes time = hours(hour % 12) + minutes(minute);
    if (hour == 0 || hour > 12) return {hours(hour) + minutes(minute)};
    switch (half) {
      case Half::kMorning:
        return {time};
      case Half::kAfternoon:
        return {time + kDay / 2};
      case Half::kNight:
        return {hour == 12 || hour < 5 ? time : time + kDay / 2};
      case Half::kUnknown:
        break;
    }
    if (hour >= 7 && hour < 12) return {time, time + kDay / 2};
    return {time + kDay / 2, time};
  }

  // "pm", "in the morning", "tonight", "tomorrow morning": the half of the day, and its words.
  std::pair<Half, size_t> HalfAt(size_t i) const {
    if (const size_t n = words_.Phrase(i, {"am", "a m"})) return {Half::kMorning, n};
    if (const size_t n = words_.Phrase(i, {"pm", "p m"})) return {Half::kAfternoon, n};
    size_t at = i;
    if (const size_t n =
            words_.Phrase(at, {"in the", "of the", "on", "tomorrow", "this", "yesterday", "today", "in"}))
      at += n;
    if (words_.Weekday(at) >= 0) ++at;
    if (words_.Is(at, {"morning", "mornings"})) return {Half::kMorning, at + 1 - i};
    if (words_.Is(at, {"afternoon", "evening"})) return {Half::kAfternoon, at + 1 - i};
    if (const size_t n = words_.Phrase(i, {"at night", "tonight", "at nighttime", "last night"}))
      return {Half::kNight, n};
    return {Half::kUnknown, 0};
  }

  // The half that `point` is in follows it, or is `before`.
  void Settle(Point& point, int hour, int minute, Half before, std::vector<Point>& out) const {
    const size_t oclock = words_.Phrase(point.end, {"oclock", "o clock", "sharp", "ish", "hours"});
    if (oclock != 0) point.sure = true;
    point.end += oclock;
    const auto [half, n] = HalfAt(point.end);
    point.sure = point.sure || n != 0 || before != Half::kUnknown;
    point.end += n;
    point.times = OfClock(hour, minute, n != 0 ? half : before);
    if (point.times.size() > 1) point.clock = std::pair(hour, minute);
    out.push_back(point);
  }

  // "3pm", "330pm", "11a".
  bool ReadGlued(size_t i, std::vector<Point>& out) const {
    const std::string_view word = words_.At(i);
    const size_t digits = std::min(word.find_first_not_of("0123456789."), word.size());
    if (digits == 0 || digits == word.size() || digits > 5) return false;
    const std::string_view suffix = word.substr(digits);
    const bool split = suffix == "p" || suffix == "a";
    if (suffix != "pm" && suffix != "am" && !(split && words_.Is(i + 1, {"m"}))) return false;
    std::string number(word.substr(0, digits));
    std::erase(number, '.');
    int hour = 0;
    int minute = 0;
    if (number.size() <= 2) {
      hour = std::stoi(number);
    } else {
      hour = std::stoi(number.substr(0, number.size() - 2));
      minute = std::stoi(number.substr(number.size() - 2));
    }
    // "10:30pm": the hour is the word before, and this one the minutes.
    if (hour > 12 || minute > 59) return false;
    const Half half = suffix[0] == 'p' ? Half::kAfternoon : Half::kMorning;
    out.push_back({OfClock(hour, minute, half), i + (split ? 2u : 1u), true, std::nullopt});
    return true;
  }

  std::vector<Point> PointsAt(size_t i, Half before = Half::kUnknown) const {
    std::vector<Point> out;
    if (i >= words_.size()) return out;
    if (const size_t n =
            words_.Phrase(i, {"noon", "midday", "12 noon", "twelve noon", "12 midday", "high noon"}))
      out.push_back({{hours(12)}, i + n, true, std::nullopt});
    if (const size_t n = words_.Phrase(i, {"midnight", "12 midnight", "twelve midnight"}))
      out.push_back({{hours(0)}, i + n, true, std::nullopt});
    if (!ReadGlued(i, out)) {  // "5am sharp" is not 5 o'clock sharp
      ReadPast(i, before, out);
      ReadClock(i, before, out);
    }
    std::stable_sort(out.begin(), out.end(), [](const Point& a, const Point& b) { return a.end > b.end; });
    return out;
  }

  // "half past three", "ten to nine", "quarter of four", "half three".
  void ReadPast(size_t i, Half before, std::vector<Point>& out) const {
    size_t at = words_.Skip(i, {"a"});
    int minute = 0;
    const bool half = words_.Is(at, {"half"});
    if (half) {
      minute = 30;
      ++at;
    } else if (words_.Is(at, {"quarter"})) {
      minute = 15;
      ++at;
    } else if (const auto count = words_.Count(at, 1, 29)) {
      minute = count->value;
      at = words_.Skip(count->end, {"minutes", "minute", "mins", "min"});
    } else {
      return;
    }
    const bool past = words_.Is(at, {"past", "after", "gone"});
    const bool to = words_.Is(at, {"to", "before", "till", "til", "of", "two"}) && !half;
    const size_t hour_at = past || to ? at + 1 : at;
    if (!past && !to && !half) return;
    if (const size_t n = words_.Phrase(hour_at, {"noon", "midday"}); n != 0 && (past || to)) {
      out.push_back({{hours(12) + minutes(past ? minute : -minute)}, hour_at + n, true, std::nullopt});
      return;
    }
    if (words_.Phrase(hour_at, "midnight") != 0 && (past || to)) {
      out.push_back({{past ? minutes(minute) : kDay - minutes(minute)}, hour_at + 1, true, std::nullopt});
      return;
    }
    const auto hour = words_.Count(hour_at, 1, 12);
    if (!hour || (!past && !to && words_.Unit(hour->end))) return;  // "half one hour"
    Point point;
    point.end = hour->end;
    point.sure = past || (to && (minute % 5 == 0 || words_.Is(at - 1, {"minutes", "minute"})));
    Settle(point, to ? (hour->value + 10) % 12 + 1 : hour->value, to ? 60 - minute : minute, before, out);
  }

  // "three", "three thirty", "3:30", "15.30", "fifteen hundred hours", "1530".
  void ReadClock(size_t i, Half before, std::vector<Point>& out) const {
    const auto add = [&](int hour, int minute, size_t end, bool sure) {
      if (hour > 24 || (hour == 24 && minute > 0) || minute > 59) return;
      Point point;
      point.end = end;
      point.sure = sure;
      Settle(point, hour == 24 ? 0 : hour, minute, before, out);
    };
    const std::string_view word = words_.At(i);
    const bool numeral = words_.Numeral(i).has_value();
    if (numeral && word.size() >= 3) {  // "1530", "930"
      const int value = words_.Numeral(i)->value;
      const bool said = HalfAt(i + 1).second != 0 || words_.Is(i + 1, {"hours"});
      if (said) add(value / 100, value % 100, i + 1, true);
      return;
    }
    if (const size_t point = word.find('.');
        point != std::string_view::npos && word.size() == point + 3 && point <= 2 &&
        word.find_first_not_of("0123456789.") == std::string_view::npos) {
      add(std::stoi(std::string(word.substr(0, point))), std::stoi(std::string(word.substr(point + 1))),
          i + 1, false);
      return;
    }
    if (const auto hundred = words_.Count(i, 100, 2400);
        hundred && hundred->value % 100 == 0 && words_.Is(hundred->end, {"hours"}))
      add(hundred->value / 100, 0, hundred->end, true);
    size_t hour_at = i;
    if (words_.Is(i, {"oh", "zero", "o"}) && words_.Count(i + 1, 1, 9)) ++hour_at;  // "oh eight hundred"
    for (const auto& hour : words_.Counts(hour_at, 0, 24)) {
      if (words_.Is(hour.end, {"hundred"}) && words_.Is(hour.end + 1, {"hours"}))
        add(hour.value, 0, hour.end + 1, true);
      if (numeral && words_.Joiner(i) == ':') {
        const std::string_view next = words_.At(i + 1);
        if (next.size() >= 2 && next[0] >= '0' && next[0] <= '5' && next[1] >= '0' && next[1] <= '9') {
          const int minute = (next[0] - '0') * 10 + (next[1] - '0');
          if (next.size() == 2) add(hour.value, minute, i + 2, true);
          if (next.substr(2) == "pm" || next.substr(2) == "am") {
            const Half half = next[2] == 'p' ? Half::kAfternoon : Half::kMorning;
            out.push_back({OfClock(hour.value, minute, half), i + 2, true, std::nullopt});
          }
        }
        continue;
      }
      size_t minute_at = hour.end;
      const bool oh = words_.Is(minute_at, {"oh", "o", "zero"});
      if (oh) ++minute_at;
      if (const auto minute = words_.Count(minute_at, oh ? 1 : 10, oh ? 9 : 59);
          minute && !words_.Unit(minute->end) && !words_.Dash(hour.end - 1))
        add(hour.value, minute->value, minute->end, false);
      if (hour.value >= 1 && !words_.Unit(hour.end)) add(hour.value, 0, hour.end, false);
    }
  }

  void Add(DayTime time, size_t end) {
    if (time.from >= minutes(0) && time.from <= time.to && time.to <= kDay && time.from < kDay)
      found_.push_back({time, end});
  }

  // "in the morning", "late afternoon", "first thing".
  void ReadNamed(size_t i) {
    if (i > 0 && words_.Is(i - 1, {"good", "lovely", "nice", "every"})) return;
    size_t at = i;
    if (const size_t n = words_.Phrase(i, {"in the", "during the", "some time in the", "in"})) at += n;
    if (at == i && i == 0 && words_.size() > 2 && words_.EndsClause(0)) return;  // "Morning, I'd like ..."
    for (const NamedWindow& window : kWindows) {
      const size_t n = words_.Phrase(at, window.words);
      if (n == 0 || (words_.Is(at, {"night"}) && !words_.EndsClause(at) &&
                     words_.Is(at + 1, {"shift", "owl", "out", "class"})))
        continue;
      Add(window.time, at + n);
      // "morning at eight": one time.
      const size_t hour_at = words_.Skip(at + n, {"at", "around", "about"});
      const Half half = window.time.from < hours(12) ? Half::kMorning
                        : window.words == "night"    ? Half::kNight
                                                     : Half::kAfternoon;
      if (hour_at == at + n) continue;
      for (const Point& point : PointsAt(hour_at, half)) {
        for (const minutes time : point.times) Add({time, time}, point.end);
      }
    }
  }

  bool MayBeTime(size_t i, size_t end) const {
    if (i > 0 && words_.Is(i - 1, {"at", "around", "about", "by", "ish", "approximately", "say"}))
      return true;
    return end - i == words_.size() ||
           (words_.size() <= 3 && words_.Is(0, {"at", "around", "about", "say", "maybe", "make"}));
  }

  void ReadPoint(size_t i) {
    for (const Point& point : PointsAt(i)) {
      if (!point.sure && !MayBeTime(i, point.end)) continue;
      if (!point.sure && words_.Is(point.end, {"dollars", "dollar", "percent", "euros", "pounds", "bucks"}))
        continue;
      for (const minutes time : point.times) Add({time, time}, point.end);
    }
  }

  // "between nine and eleven", "from 2 to 4 pm", "before noon", "after three", "10 onwards".
  void ReadSpan(size_t i) {
    const bool between = words_.Is(i, {"between"});
    const bool from = words_.Is(i, {"from"});
    for (const Point& first : PointsAt(between || from ? i + 1 : i)) {
      const size_t n = between && words_.Is(first.end, {"and"})
                           ? 1
                           : words_.Phrase(first.end, {"to", "until", "till", "through", "thru", "up to"});
      const bool dash = n == 0 && words_.Dash(first.end - 1);
      if (n != 0 || dash) {
        for (const Point& second : PointsAt(first.end + n)) {
          if (!between && !from && !first.sure && !second.sure && !(dash && words_.size() <= 4)) continue;
          AddSpan(first, second);
        }
      }
      const size_t on = words_.Phrase(
          first.end, {"on", "onwards", "onward", "or later", "or after", "and later", "or so onwards"});
      if (on != 0 &&
          (from || (first.sure && words_.EndsClause(first.end)) || !words_.Is(first.end, {"on"})) &&
          !between) {
        for (const minutes time : first.times) Add({time, kDay}, first.end + on);
      }
    }
    const size_t before = words_.Phrase(
        i, {"before", "until", "till", "by", "no later than", "not later than", "up to", "earlier than"});
    const size_t after =
        words_.Phrase(i, {"after", "any time after", "anytime after", "not before", "no earlier than",
                          "not earlier than", "later than", "some time after", "past"});
    const size_t edge = std::max(before, after);
    if (edge == 0) return;
    for (const Point& point : PointsAt(i + edge)) {
      for (const minutes time : point.times) {
        if (before != 0) Add({minutes(0), time}, point.end);
        if (after != 0) Add({time, kDay}, point.end);
      }
    }
  }

  // The second decides the half of both where it alone names one ("9 to 11 am"); else it is the first time
  // after.
  void AddSpan(const Point& first, const Point& second) {
    minutes to = second.times.front();
    minutes from = first.times.front();
    if (first.clock && !second.clock) {
      for (const minutes time : first.times) {
        if (time < to && (from >= to || to - time < to - from)) from = time;
      }
    } else {
      for (const minutes time : second.times) {
        if (time > from && (to <= from || time - from < to - from)) to = time;
      }
    }
    if (to <= from && to == minutes(0)) to = kDay;
    if (from < to) Add({from, to}, second.end);
  }

  const CalendarWords& words_;
  std::vector<Found> found_;
};

class PeriodReader {
 public:
  explicit PeriodReader(const CalendarWords& words) : words_(words) {}

  std::vector<PeriodReading> Read() const {
    std::vector<PeriodReading> readings;
    size_t reached = 0;
    for (size_t i = 0; i < words_.size(); ++i) {
      const auto term = Sum(i);
      if (!term || term->end <= reached) continue;
      reached = term->end;
      readings.push_back({term->period, i, term->end});
    }
    return readings;
  }

 private:
  struct Term {
    Period period;
    CalendarUnit unit = CalendarUnit::kDay;
    size_t end = 0;
  };

  // `quarters` of a unit: two and a half hours are ten.
  static std::optional<Period> Of(CalendarUnit unit, int times, int quarters) {
    const int n = quarters * times;
    Period period;
    const auto whole = [&](int& out, int per_unit) {
      out = n * per_unit / 4;
      return n * per_unit % 4 == 0;
    };
    switch (unit) {
      case CalendarUnit::kMinute:
        return whole(period.minutes, 1) ? std::optional(period) : std::nullopt;
      case CalendarUnit::kHour:
        return whole(period.minutes, 60) ? std::optional(period) : std::nullopt;
      case CalendarUnit::kDay:
      case CalendarUnit::kBusinessDay:
        if (n % 4 == 0) {
          period.days = n / 4;
        } else {
          period.days = n / 4;
          period.minutes = n % 4 * 6 * 60;
        }
        return period;
      case CalendarUnit::kWeek:
        period.days = n * 7 / 4;
        return period;
      case CalendarUnit::kMonth:
        period.months = n / 4;
        period.days = n % 4 * 30 / 4;
        return period;
      case CalendarUnit::kQuarter:
        return whole(period.months, 3) ? std::optional(period) : std::nullopt;
      case CalendarUnit::kYear:
        return whole(period.months, 12) ? std::optional(period) : std::nullopt;
    }
    return std::nullopt;
  }

  // "30min", "2h".
  std::optional<Term> Glued(size_t i) const {
    static constexpr std::pair<std::string_view, CalendarUnit> kSuffixes[] = {
        {"h", CalendarUnit::kHour},   {"hr", CalendarUnit::kHour},    {"hrs", CalendarUnit::kHour},
        {"m", CalendarUnit::kMinute}, {"min", CalendarUnit::kMinute}, {"mins", CalendarUnit::kMinute},
        {"d", CalendarUnit::kDay},    {"w", CalendarUnit::kWeek},     {"wk", CalendarUnit::kWeek},
        {"wks", CalendarUnit::kWeek}, {"mo", CalendarUnit::kMonth},   {"yr", CalendarUnit::kYear},
        {"yrs", CalendarUnit::kYear}, {"days", CalendarUnit::kDay},   {"weeks", CalendarUnit::kWeek}};
    const std::string_view word = words_.At(i);
    const size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
    if (digits == 0 || digits > 3 || digits == word.size()) return std::nullopt;
    for (const auto& [suffix, unit] : kSuffixes) {
      if (word.substr(digits) != suffix) continue;
      const auto period = Of(unit, 1, 4 * std::stoi(std::string(word.substr(0, digits))));
      if (period) return Term{*period, unit, i + 1};
    }
    return std::nullopt;
  }

  std::optional<Term> One(size_t i) const {
    if (const auto glued = Glued(i)) return glued;
    int quarters = 0;
    size_t at = words_.Skip(i, {"a"});
    if (words_.Is(at, {"half"})) {
      quarters = 2;
      at = words_.Skip(at + 1, {"a", "an", "of"});
      at = words_.Skip(at, {"a", "an"});
    } else if (const size_t n = words_.Phrase(at, {"quarter of an", "quarter of a"})) {
      quarters = 1;
      at += n;
    } else if (words_.Is(at, {"quarter"}) && words_.Is(at + 1, {"hour"})) {
      quarters = 1;
      ++at;
    } else if (const size_t m =
                   words_.Phrase(i, {"three quarters of an", "three quarters of a", "3 quarters of an"})) {
      quarters = 3;
      at = i + m;
    } else if (const auto amount = words_.Quarters(i)) {
      quarters = amount->value;
      at = amount->end;
    } else if (const auto count = words_.HowMany(i)) {
      quarters = 4 * count->value;
      at = count->end;
    } else if (words_.Is(i, {"hour", "year", "month", "week", "day"}) &&
               words_.Phrase(i + 1, "and a half") != 0) {
      quarters = 4;  // "hour and a half"
      at = i;
    }
    if (quarters == 0) return std::nullopt;
    if (words_.Is(at, {"more", "extra", "additional"})) ++at;
    const auto unit = words_.Unit(at);
    if (!unit) return std::nullopt;
    size_t end = unit->end;
    if (const size_t n = words_.Phrase(end, {"and a half"})) {
      quarters += 2;
      end += n;
    } else if (const size_t m = words_.Phrase(end, {"and a quarter"})) {
      quarters += 1;
      end += m;
    } else if (const size_t k = words_.Phrase(end, {"and three quarters"})) {
      quarters += 3;
      end += k;
    }
    const auto period = Of(unit->unit, unit->times, quarters);
    if (!period) return std::nullopt;
    return Term{*period, unit->unit, end};
  }

  // Each part is of a smaller unit: "two hours and thirty minutes", "two hours thirty", "a year and three
  // months".
  std::optional<Term> Sum(size_t i) const {
    auto sum = One(i);
    while (sum) {
      const size_t at = words_.Skip(sum->end, {"and"});
      const auto next = One(at);
      if (next && next->unit < sum->unit && !(next->unit == CalendarUnit::kBusinessDay)) {
        sum->period.months += next->period.months;
        sum->period.days += next->period.days;
        sum->period.minutes += next->period.minutes;
        sum->unit = next->unit;
        sum->end = next->end;
        continue;
      }
      const auto rest = sum->unit == CalendarUnit::kHour ? words_.Count(at, 1, 59) : std::nullopt;
      if (rest && !words_.Unit(rest->end)) {
        sum->period.minutes += rest->value;
        sum->end = rest->end;
      }
      break;
    }
    return sum;
  }

  const CalendarWords& words_;
};

}  // namespace

std::vector<TimeReading> ReadTimes(std::string_view text, std::span<const NormalisedWord> words) {
  const CalendarWords calendar(text, words);
  return TimeReader(calendar).Read();
}

std::vector<TimeReading> ReadTimes(std::string_view text) {
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(text);
  return ReadTimes(text, words);
}

std::vector<PeriodReading> ReadPeriods(std::string_view text, std::span<const NormalisedWord> words) {
  const CalendarWords calendar(text, words);
  return PeriodReader(calendar).Read();
}

std::vector<PeriodReading> ReadPeriods(std::string_view text) {
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(text);
  return ReadPeriods(text, words);
}

std::span<const PartOfDay> PartsOfDay() { return kPartsOfDay; }

}  // namespace sotto
