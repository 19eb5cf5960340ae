#include "learn/date_forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "learn/number_forms.h"
#include "text/calendar_speech.h"
#include "text/speak.h"
#include "text/times.h"

namespace sotto {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::year_month_day;

constexpr std::array<const char*, 12> kMonths = {"january",   "february", "march",    "april",
                                                 "may",       "june",     "july",     "august",
                                                 "september", "october",  "november", "december"};
constexpr std::array<const char*, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                  "thursday", "friday", "saturday"};
constexpr int kAttempts = 24;
constexpr int kUsualDays = 45;  // how far appointments and statements mostly reach

// Both "3rd" and "third".
std::string DayOfMonth(unsigned day, Random& random) {
  if (random.Chance(0.5)) return SpeakOrdinal(day);
  const char* suffix = day % 10 == 1 && day != 11   ? "st"
                       : day % 10 == 2 && day != 12 ? "nd"
                       : day % 10 == 3 && day != 13 ? "rd"
                                                    : "th";
  return fmt::format("{}{}", day, suffix);
}

std::string Count(int value, Random& random) {
  return random.Chance(0.5) ? std::to_string(value) : NumberInWords(value);
}

std::string MonthDay(Date date, Random& random) {
  const year_month_day ymd(date);
  const auto day = static_cast<unsigned>(ymd.day());
  const char* month = kMonths[static_cast<unsigned>(ymd.month()) - 1];
  switch (random.Below(6)) {
    case 0:
      return fmt::format("{} {}", month, day);
    case 1:
      return fmt::format("the {} of {}", DayOfMonth(day, random), month);
    case 2:
      return fmt::format("{} {}", day, month);
    case 3:
      return fmt::format("{} the {}", month, DayOfMonth(day, random));
    case 4:
      return fmt::format("{} of {}", DayOfMonth(day, random), month);
    default:
      return fmt::format("{} {}", month, DayOfMonth(day, random));
  }
}

std::string Numeric(Date date, bool day_first, Random& random) {
  const year_month_day ymd(date);
  const auto year = static_cast<int>(ymd.year());
  const unsigned first = day_first ? static_cast<unsigned>(ymd.day()) : static_cast<unsigned>(ymd.month());
  const unsigned second = day_first ? static_cast<unsigned>(ymd.month()) : static_cast<unsigned>(ymd.day());
  switch (random.Below(4)) {
    case 0:
      return fmt::format("{}/{}", first, second);
    case 1:
      return fmt::format("{}/{}/{}", first, second, year);
    case 2:
      return fmt::format("{:02}/{:02}/{:02}", first, second, year % 100);
    default:
      return DateText(date);
  }
}

std::string Relative(Date date, Date today, Random& random) {
  const auto delta = static_cast<int>((date - today).count());
  if (delta == 0) return "today";
  if (delta == 1) return "tomorrow";
  if (delta == -1) return "yesterday";
  if (delta == 2 && random.Chance(0.5))
    return random.Chance(0.8) ? "the day after tomorrow" : "day after tomorrow";
  if (delta == -2 && random.Chance(0.5)) return "the day before yesterday";
  if (delta == 7 && random.Chance(0.5)) return random.Chance(0.5) ? "a week from today" : "in a week";
  if (delta % 7 == 0 && random.Chance(0.6))
    return delta > 0 ? fmt::format("in {} weeks", Count(delta / 7, random))
                     : fmt::format("{} weeks ago", Count(-delta / 7, random));
  if (delta < 0) return fmt::format("{} days ago", Count(-delta, random));
  const double form = random.Uniform();
  return form < 0.6 ? fmt::format("in {} days", Count(delta, random))
                    : fmt::format("{} days from {}", Count(delta, random), form < 0.8 ? "now" : "today");
}

std::string ByWeekday(Date date, bool ahead, Random& random) {
  const char* name = kWeekdays[std::chrono::weekday(date).c_encoding()];
  const year_month_day ymd(date);
  const double form = random.Uniform();
  if (form < 0.4) return name;
  if (form < 0.5) return fmt::format("{} {}", ahead ? "next" : "last", name);
  if (form < 0.58) return fmt::format("this {}", name);
  if (form < 0.64) return fmt::format("{} week", name);
  if (form < 0.69) return fmt::format("a week on {}", name);
  if (form < 0.78)
    return random.Chance(0.6) ? fmt::format("{} next week", name) : fmt::format("next week {}", name);
  if (form < 0.86)
    return fmt::format("{} the {}", name, DayOfMonth(static_cast<unsigned>(ymd.day()), random));
  return fmt::format("{} {}", name, MonthDay(date, random));
}

std::string AnyDay(Date date, const CallDay& day, Random& random) {
  const year_month_day ymd(date);
  const auto delta = (date - *day.today).count();
  const bool near = delta > -15 && delta < 15;
  const double form = random.Uniform();
  if (near && form < 0.35) return ByWeekday(date, delta > 0, random);
  if (near && form < 0.55) return Relative(date, *day.today, random);
  if (form < 0.62) return fmt::format("the {}", DayOfMonth(static_cast<unsigned>(ymd.day()), random));
  if (form < 0.66)
    return fmt::format("the {} of {} month", DayOfMonth(static_cast<unsigned>(ymd.day()), random),
                       delta < 0 ? "last" : "next");
  if (form < 0.68 && date == MonthEnd(date))
    return random.Chance(0.5) ? "the end of the month" : "the last day of the month";
  if (form < 0.78) return Numeric(date, day.day_first, random);
  std::string said = MonthDay(date, random);
  const int year = static_cast<int>(ymd.year());
  if (random.Chance(0.3)) said += random.Chance(0.5) ? fmt::format(", {}", year) : " " + SpeakYear(year);
  if (random.Chance(0.15))
    said = fmt::format("{} {}", kWeekdays[std::chrono::weekday(date).c_encoding()], said);
  return said;
}

std::string Clock(minutes time, Random& random) {
  const auto hour24 = static_cast<int>(time.count() / 60);
  const auto minute = static_cast<int>(time.count() % 60);
  const int hour = hour24 % 12 == 0 ? 12 : hour24 % 12;
  const char* half = hour24 < 12 ? "am" : "pm";
  if (hour24 == 12 && minute == 0 && random.Chance(0.6)) return random.Chance(0.7) ? "noon" : "midday";
  const double form = random.Uniform();
  const std::string part = hour24 < 12   ? "in the morning"
                           : hour24 < 18 ? "in the afternoon"
                                         : "in the evening";
  if (minute == 0) {
    if (form < 0.35) return fmt::format("{}{}{}", hour, random.Chance(0.5) ? " " : "", half);
    if (form < 0.55) return fmt::format("{} {}", NumberInWords(hour), half);
    if (form < 0.8) return fmt::format("{} o'clock", Count(hour, random));
    return fmt::format("{} {}", Count(hour, random), part);
  }
  const std::string hour_word = NumberInWords(hour);
  const std::string next = NumberInWords(hour % 12 + 1);
  if (form < 0.3) return fmt::format("{}:{:02}", random.Chance(0.7) ? hour : hour24, minute);
  if (form < 0.5) return fmt::format("{}:{:02} {}", hour, minute, half);
  if (minute == 30 && form < 0.8) return "half past " + hour_word;
  if (minute == 15 && form < 0.8) return "quarter past " + hour_word;
  if (minute == 45 && form < 0.8) return "quarter to " + next;
  if (minute > 30 && form < 0.7) return fmt::format("{} to {}", NumberInWords(60 - minute), next);
  if (minute < 30 && form < 0.7) return fmt::format("{} past {}", NumberInWords(minute), hour_word);
  return fmt::format("{} {}{} {}", hour_word, minute < 10 ? "oh " : "", NumberInWords(minute),
                     random.Chance(0.5) ? half : part);
}

std::string AnyTime(const DayTime& time, Random& random) {
  if (time.from == time.to) return Clock(time.from, random);
  for (const PartOfDay& part : PartsOfDay()) {
    if (part.time != time) continue;
    const std::string_view name = part.name;
    return random.Chance(0.3) ? std::string(name) : std::string(name.substr(name.rfind(' ') + 1));
  }
  if (time.from.count() == 0) return "before " + Clock(time.to, random);
  if (time.to.count() == 24 * 60) return "after " + Clock(time.from, random);
  const char* frame = random.Chance(0.6) ? "between {} and {}" : "from {} to {}";
  return fmt::format(fmt::runtime(frame), Clock(time.from, random), Clock(time.to, random));
}

std::string AnyPeriod(const Period& period, Random& random) {
  const std::string iso = PeriodText(period);
  const double form = random.Uniform();
  if (form < 0.2) {
    if (iso == "P7D") return "a week";
    if (iso == "P14D") return random.Chance(0.5) ? "a fortnight" : "a couple of weeks";
    if (iso == "P1M") return "a month";
    if (iso == "P1D") return "a day";
    if (iso == "P1Y") return random.Chance(0.5) ? "a year" : "twelve months";
    if (iso == "P6M") return "half a year";
    if (iso == "PT30M") return "half an hour";
    if (iso == "PT1H") return "an hour";
    if (iso == "PT1H30M") return random.Chance(0.6) ? "an hour and a half" : "90 minutes";
    if (iso == "PT2H30M") return "two and a half hours";
  }
  return form < 0.6 ? SpeakPeriod(iso) : ShowPeriod(iso);
}

// Forms that say a range by themselves; whatever they mean on the day, that may be wanted.
std::string NamedRange(const CallDay& day, bool past, Random& random) {
  const char* direction = past ? "last" : "next";
  const double form = random.Uniform();
  static constexpr std::array<const char*, 3> kUnits = {"week", "month", "year"};
  if (form < 0.15) return fmt::format("{} {}", direction, random.Pick(kUnits));
  if (form < 0.25) return fmt::format("this {}", random.Pick(kUnits));
  if (form < 0.5) {
    static constexpr std::array<const char*, 4> kCounted = {"days", "weeks", "months", "years"};
    const char* unit = random.Pick(kCounted);
    const int most = unit == kCounted[0] ? 90 : unit == kCounted[1] ? 10 : unit == kCounted[2] ? 18 : 5;
    return fmt::format("{}{} {} {}", random.Chance(0.7) ? "the " : "",
                       random.Chance(0.7) ? direction
                       : past             ? "past"
                                          : "coming",
                       Count(2 + static_cast<int>(random.Below(static_cast<size_t>(most - 1))), random),
                       unit);
  }
  const int year =
      static_cast<int>(year_month_day(*day.today).year()) - (past ? static_cast<int>(random.Below(3)) : 0);
  if (form < 0.68)
    return random.Chance(0.6) ? random.Pick(kMonths) : fmt::format("{} {}", random.Pick(kMonths), year);
  if (form < 0.74) return fmt::format("{}{}", random.Chance(0.5) ? "q" : "Q", 1 + random.Below(4));
  if (form < 0.78) return std::to_string(year);
  if (form < 0.86)
    return fmt::format("{} {}", random.Chance(0.5) || past ? "since" : "until", random.Pick(kMonths));
  if (form < 0.9) return fmt::format("the {} weeks", past ? "last two" : "next two");
  if (form < 0.95) return fmt::format("the week {}", past ? "before last" : "after next");
  return past ? "the last weekend" : "this weekend";
}

std::string AnyRange(const DateRange& range, const CallDay& day, Random& random) {
  if (range.from == range.to) return AnyDay(range.from, day, random);
  static constexpr std::array<const char*, 4> kFrames = {"from {} to {}", "between {} and {}", "{} to {}",
                                                         "from {} until {}"};
  return fmt::format(fmt::runtime(random.Pick(kFrames)), MonthDay(range.from, random),
                     MonthDay(range.to, random));
}

// The whole of `text` and nothing else, read as `value`.
bool Means(const Entity& entity, const std::string& text, std::string_view value, const CallDay& day) {
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(text);
  const std::vector<SaidValue> said = SaidCalendarValues(entity, text, words, day);
  return said.size() == 1 && said.front().value == value && said.front().words == NormaliseSpoken(text);
}

bool IsPast(const Entity& entity, Date today) { return entity.latest && entity.latest->On(today) <= today; }

Date DrawDay(const Entity& entity, Date today, Random& random) {
  const bool past = IsPast(entity, today);
  const Date earliest = entity.earliest ? entity.earliest->On(today) : past ? today - days(400) : today;
  const Date latest = entity.latest ? entity.latest->On(today) : today + days(200);
  if (earliest >= latest) return earliest;
  const auto span = static_cast<size_t>((latest - earliest).count());
  // Mostly near to the day of the call.
  const size_t reach =
      random.Chance(0.8) ? std::min<size_t>(span, random.Chance(0.6) ? 14 : kUsualDays) : span;
  const days by(static_cast<int>(random.Below(reach + 1)));
  if (today > latest || today < earliest) return past ? latest - by : earliest + by;
  return std::clamp(past ? today - by : today + by, earliest, latest);
}

DayTime DrawTime(const Entity& entity, Random& random) {
  const auto low = static_cast<int>(entity.min.value_or(8 * 60));
  const auto high = static_cast<int>(entity.max.value_or(20 * 60));
  if (random.Chance(0.4)) {
    const PartOfDay part = random.Pick(PartsOfDay());
    if (part.time.to.count() > low && part.time.from.count() < high) return part.time;
  }
  const int step = random.Chance(0.6) ? 60 : random.Chance(0.7) ? 30 : 15;
  const int n = std::max((high - low) / step, 0);
  const minutes from((low + step - 1) / step * step +
                     step * static_cast<int>(random.Below(static_cast<size_t>(n) + 1)));
  const minutes point = std::min(from, minutes(high));
  if (random.Chance(0.8)) return {point, point};
  const double form = random.Uniform();
  if (form < 0.35 && point.count() > 0) return {minutes(0), point};
  if (form < 0.7) return {point, minutes(24 * 60)};
  return {point, std::min(point + minutes(120), minutes(24 * 60))};
}

Period DrawPeriod(const Entity& entity, Random& random) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const int n = 1 + static_cast<int>(random.Below(12));
    const double kind = random.Uniform();
    const Period period = kind < 0.2    ? Period{0, n, 0}
                          : kind < 0.4  ? Period{0, 7 * std::min(n, 8), 0}
                          : kind < 0.55 ? Period{n, 0, 0}
                          : kind < 0.65 ? Period{12 * std::min(n, 3), 0, 0}
                          : kind < 0.8  ? Period{0, 0, 60 * std::min(n, 6)}
                                        : Period{0, 0, 15 * n};
    const double rough = RoughMinutes(period);
    if (rough >= entity.min.value_or(0) && rough <= entity.max.value_or(1e12)) return period;
  }
  const auto rough = static_cast<int>(entity.min.value_or(entity.max.value_or(60)));
  return {0, rough / (24 * 60), rough % (24 * 60)};
}

DateRange DrawRange(const Entity& entity, const CallDay& day, Random& random) {
  if (random.Chance(0.7)) {
    const std::string text = NamedRange(day, IsPast(entity, *day.today), random);
    const auto said = SaidCalendarValues(entity, text, NormaliseSpokenWords(text), day);
    if (said.size() == 1) return *ParseDateRange(said.front().value);
  }
  const Date a = DrawDay(entity, *day.today, random);
  const Date b = DrawDay(entity, *day.today, random);
  return {std::min(a, b), std::max(a, b)};
}

}  // namespace

std::string DrawCalendarValue(const Entity& entity, const CallDay& day, Random& random) {
  SOTTO_CHECK(day.today.has_value());
  switch (entity.type) {
    case Entity::Type::kTime:
      return DayTimeText(DrawTime(entity, random));
    case Entity::Type::kDuration:
      return PeriodText(DrawPeriod(entity, random));
    case Entity::Type::kDateRange:
      return DateRangeText(DrawRange(entity, day, random));
    default:
      return DateText(DrawDay(entity, *day.today, random));
  }
}

std::string SayCalendarValue(const Entity& entity, std::string_view value, const CallDay& day,
                             Random& random) {
  SOTTO_CHECK(day.today.has_value());
  const auto any = [&]() -> std::string {
    switch (entity.type) {
      case Entity::Type::kTime:
        return AnyTime(*ParseDayTime(value), random);
      case Entity::Type::kDuration:
        return AnyPeriod(*ParsePeriod(value), random);
      case Entity::Type::kDateRange:
        return random.Chance(0.7) ? NamedRange(day, IsPast(entity, *day.today), random)
                                  : AnyRange(*ParseDateRange(value), day, random);
      default:
        return AnyDay(*ParseDate(value), day, random);
    }
  };
  // A named range means what was drawn only by luck: it is worth more tries.
  const int attempts = entity.type == Entity::Type::kDateRange ? 8 * kAttempts : kAttempts;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    std::string text = any();
    if (Means(entity, text, value, day)) return text;
  }
  switch (entity.type) {
    case Entity::Type::kTime:
      return ShowDayTime(value);
    case Entity::Type::kDuration:
      return ShowPeriod(value);
    case Entity::Type::kDateRange:
      return ShowDateRange(value);
    default:
      return ShowDate(value);
  }
}

}  // namespace sotto
