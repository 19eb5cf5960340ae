#include "specialist/tag_text.h"

#include <algorithm>

#include "text/date_ranges.h"
#include "text/dates.h"
#include "text/spoken_numbers.h"
#include "text/times.h"

namespace sotto {
namespace {

struct Tagged {
  std::string_view type;
  size_t begin = 0;  // words
  size_t end = 0;
  Json value;
  Json others = Json::array();  // what it may mean besides
  Json more = Json::object();
};

bool Holds(const Tagged& outer, size_t begin, size_t end) { return outer.begin <= begin && end <= outer.end; }

class TextTagger {
 public:
  TextTagger(const TagOptions& keys, std::string_view text, Date today)
      : keys_(keys), text_(text), words_(NormaliseSpokenWords(text)) {
    context_.today = today;
    context_.day_first = keys.day_first;
    context_.past = keys.past;
  }

  Json Run() {
    ReadCalendar();
    ReadTheNumbers();
    std::ranges::stable_sort(found_, [](const Tagged& a, const Tagged& b) {
      return std::pair(a.begin, b.end) < std::pair(b.begin, a.end);
    });
    Json list = Json::array();
    for (const Tagged& one : found_) {
      if (!Has(one.type)) continue;
      const size_t begin = words_[one.begin].begin;
      const size_t end = words_[one.end - 1].end;
      Json out{{"type", one.type},
               {"text", text_.substr(begin, end - begin)},
               {"begin", begin},
               {"end", end},
               {"value", one.value}};
      if (!one.others.empty()) out["others"] = one.others;
      out.update(one.more);
      list.push_back(std::move(out));
    }
    return list;
  }

 private:
  bool Has(std::string_view type) const { return std::ranges::find(keys_.types, type) != keys_.types.end(); }

  // Readings come by place, those of one span together, the conventional one first.
  template <typename Readings, typename ToText>
  std::vector<Tagged> Collect(std::string_view type, const Readings& readings, const ToText& to_text) {
    std::vector<Tagged> out;
    for (const auto& reading : readings) {
      const Json value = to_text(reading);
      if (!out.empty() && out.back().begin == reading.begin && out.back().end == reading.end) {
        if (value != out.back().value) out.back().others.push_back(value);
        continue;
      }
      out.push_back({type, reading.begin, reading.end, value});
    }
    return out;
  }

  void ReadCalendar() {
    const bool calendar = Has("date") || Has("date_range") || Has("time") || Has("duration");
    if (!calendar) return;
    const auto dates = Collect("date", ReadDates(text_, words_, context_),
                               [](const DateReading& one) { return DateText(one.date); });
    const auto ranges = Collect("date_range", ReadDateRanges(text_, words_, context_),
                                [](const DateRangeReading& one) { return DateRangeText(one.range); });
    const auto times = Collect("time", ReadTimes(text_, words_),
                               [](const TimeReading& one) { return DayTimeText(one.time); });
    const auto periods = Collect("duration", ReadPeriods(text_, words_),
                                 [](const PeriodReading& one) { return PeriodText(one.period); });
    const auto held = [](const std::vector<Tagged>& by, const Tagged& one, bool equal) {
      return std::ranges::any_of(by, [&](const Tagged& outer) {
        return Holds(outer, one.begin, one.end) && (equal || outer.end - outer.begin > one.end - one.begin);
      });
    };
    for (const Tagged& one : dates) {
      if (!held(ranges, one, false)) found_.push_back(one);
    }
    for (const Tagged& one : ranges) {
      if (!held(dates, one, true)) found_.push_back(one);
    }
    const std::vector<Tagged> days = found_;
    for (const Tagged& one : times) {
      if (!IsOnlyNumber(one) && !held(days, one, false)) found_.push_back(one);
    }
    for (Tagged one : periods) {
      if (held(days, one, true) || held(times, one, true)) continue;
      Later(one);
      found_.push_back(std::move(one));
    }
    for (Tagged& one : found_) NextWeekday(one);
  }

  bool Says(size_t i, std::string_view word) const { return i < words_.size() && words_[i].text == word; }

  // "two days later" is a day, by what the sentence before says; that is not known here: by today.
  void Later(Tagged& one) const {
    const auto period = ParsePeriod(one.value.get<std::string>());
    if (!period || period->minutes != 0 || !(Says(one.end, "later") || Says(one.end, "hence"))) return;
    one.type = "date";
    one.value = DateText(AddMonths(context_.today, period->months) + std::chrono::days(period->days));
    ++one.end;
  }

  // "Next friday" is that of the next week, as who counts weeks means it; in a call the nearest comes first and is read
  // back (text/dates.h), and is among the others here.
  void NextWeekday(Tagged& one) const {
    if (one.type != "date") return;
    size_t at = one.begin;
    while (Says(at, "on") || Says(at, "the") || Says(at, "by") || Says(at, "for")) ++at;
    int weeks = 0;
    if (Says(at, "next") && at + 2 == one.end) {
      weeks = 1;
    } else if (Says(at + 1, "after") && Says(at + 2, "next") && at + 3 == one.end) {
      weeks = 2;
    } else {
      return;
    }
    const auto read = ParseDate(one.value.get<std::string>());
    const std::string_view day = words_[weeks == 1 ? at + 1 : at].text;
    if (!read || day == "day" || day == "week" || day == "month") return;
    const std::chrono::days in_week = *read - WeekStart(*read);
    const std::string value = DateText(WeekStart(context_.today) + std::chrono::days(7 * weeks) + in_week);
    if (one.value == value) return;
    Json others = Json::array({one.value});
    for (const Json& other : one.others) {
      if (other != value) others.push_back(other);
    }
    one.value = value;
    one.others = std::move(others);
  }

  // "three" alone is a time to who waits for one.
  bool IsOnlyNumber(const Tagged& one) const {
    const std::string& first = words_[one.begin].text;
    if (first.ends_with("am") || first.ends_with("pm")) return false;
    const auto numbers = ReadNumbers(words_, {.digits = false});
    return std::ranges::any_of(numbers, [&](const NumberReading& number) {
      return number.begin <= one.begin && number.end >= one.end && number.kind != NumberKind::kOrdinal &&
             text_.find(':') == std::string_view::npos;
    });
  }

  void ReadTheNumbers() {
    if (!Has("number") && !Has("money") && !Has("percent") && !Has("ordinal")) return;
    for (const NumberReading& reading : ReadNumbers(words_, {.digits = false})) {
      if (!reading.maximal) continue;
      const bool money =
          reading.kind == NumberKind::kAmount && (!reading.currency.empty() || SaysMoney(reading));
      const std::string_view type = money                                  ? "money"
                                    : reading.kind == NumberKind::kOrdinal ? "ordinal"
                                    : reading.kind == NumberKind::kPercent ? "percent"
                                                                           : "number";
      Tagged one{type, reading.begin, reading.end, NumberJson(reading)};
      if (money) one.more["currency"] = reading.currency.empty() ? "USD" : reading.currency;
      if (!reading.unit.empty()) one.more["unit"] = reading.unit;
      if (reading.standing == NumberStanding::kTakenBack) one.more["standing"] = "taken_back";
      if (reading.standing == NumberStanding::kAlternative) one.more["standing"] = "alternative";
      // Of one span the first reading, of several the longest.
      const auto same = std::ranges::find_if(
          found_, [&](const Tagged& other) { return IsNumber(other) && Overlap(other, one); });
      if (same == found_.end()) {
        found_.push_back(std::move(one));
      } else if (same->begin == one.begin && same->end == one.end) {
        if (one.value != same->value) same->others.push_back(one.value);
        if (one.type == "money" && same->type == "number") std::swap(*same, one);
      } else if (one.end - one.begin > same->end - same->begin) {
        *same = std::move(one);
      }
    }
  }
  static bool IsNumber(const Tagged& one) {
    return one.type == "number" || one.type == "money" || one.type == "percent" || one.type == "ordinal";
  }
  static bool Overlap(const Tagged& a, const Tagged& b) { return a.begin < b.end && b.begin < a.end; }
  static Json NumberJson(const NumberReading& reading) {
    Json value = Json::parse(reading.text, nullptr, false);
    return value.is_discarded() ? Json(reading.value) : value;
  }
  // Coins have no currency of their own: "eighty cents".
  bool SaysMoney(const NumberReading& reading) const {
    for (size_t i = reading.begin; i < reading.end; ++i) {
      const std::string& word = words_[i].text;
      if (word.starts_with("cent") || word == "pence" || word == "penny" || word == "pennies" ||
          word == "p" || word == "buck" || word == "bucks" || word == "quid" ||
          (words_[i].before & NormalisedWord::kDollar) != 0)
        return true;
    }
    return false;
  }

  const TagOptions& keys_;
  const std::string_view text_;
  const std::vector<NormalisedWord> words_;
  DateContext context_;
  std::vector<Tagged> found_;
};

}  // namespace

const std::vector<std::string>& TagTypes() {
  static const std::vector<std::string> types = {"date",   "date_range", "time",    "duration",
                                                 "number", "ordinal",    "percent", "money"};
  return types;
}

Json TagText(std::string_view text, Date today, const TagOptions& options) {
  return TextTagger(options, text, today).Run();
}

}  // namespace sotto
