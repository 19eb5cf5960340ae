#include <algorithm>
#include <chrono>

#include "privacy/finders.h"
#include "text/dates.h"
#include "text/number_lexicon.h"

namespace sotto {
namespace {

using List = PrivacyList;

constexpr uint64_t kBirthCue = ListBit(List::kBirth);
constexpr int kGrownUpYear = 2012;  // a whole date before it is more likely a birthday than anything else

int YearOf(std::string_view digits) {
  if (digits.size() != 4) return 0;
  const int year = std::stoi(std::string(digits));
  return year >= 1880 && year <= 2100 ? year : 0;
}

void Add(const MarkedText& text, size_t first, size_t last, int year, Spans& spans) {
  const bool cue = text.CueFor(first, last, kBirthCue).has_value();
  const bool old = year > 0 && year < kGrownUpYear;
  spans.push_back({text.BeginOf(first), text.EndOf(last),
                   cue || old ? PersonalKind::kBirthDate : PersonalKind::kDate,
                   cue ? FoundBy::kCue : FoundBy::kShape, cue ? .95F : .8F});
}

// "7/30/1964", "2000-04-16 11:34:35", "30.07.64".
void FindNumeric(const MarkedText& text, Spans& spans) {
  const TextWords& words = text.words();
  for (size_t i = 0; i + 2 < words.size(); ++i) {
    const uint16_t sign = words[i + 1].gap;
    if (!words[i].digits || !words[i + 1].digits || !words[i + 2].digits || words[i + 2].gap != sign ||
        (sign != kGapSlash && sign != kGapHyphen && sign != kGapDot))
      continue;
    const std::string_view parts[] = {words.Lower(i), words.Lower(i + 1), words.Lower(i + 2)};
    const auto small = [&](size_t p, int most) {
      return parts[p].size() <= 2 && std::stoi(std::string(parts[p])) <= most &&
             std::stoi(std::string(parts[p])) >= 1;
    };
    const bool year_first = YearOf(parts[0]) > 0 && small(1, 12) && small(2, 31);
    const bool year_last = (YearOf(parts[2]) > 0 || (parts[2].size() == 2 && sign == kGapSlash)) &&
                           ((small(0, 12) && small(1, 31)) || (small(0, 31) && small(1, 12)));
    if (!year_first && !year_last) continue;
    size_t end = i + 3;
    // A time behind it is part of it.
    if (end + 1 < words.size() && words[end].digits && words[end].lower.size() <= 2 &&
        words[end + 1].gap == kGapColon && words[end + 1].digits) {
      end += 2;
      if (end < words.size() && words[end].digits && words[end].gap == kGapColon) ++end;
    }
    Add(text, i, end, year_first ? YearOf(parts[0]) : YearOf(parts[2]), spans);
    i = end - 1;
  }
}

// Words of a date that the readers of dates take: only where a month or a birthday is spoken of.
void FindSaid(const MarkedText& text, Spans& spans) {
  bool any = false;
  for (size_t i = 0; i < text.size() && !any; ++i)
    any = text.Within(List::kMonths, i) || text.Within(List::kBirth, i);
  if (!any && !text.CueFor(0, text.size(), kBirthCue)) return;
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(text.text(), text.text().size() + 64);
  DateContext context;
  context.today =
      std::chrono::year_month_day(std::chrono::year(2026), std::chrono::January, std::chrono::day(1));
  context.past = true;
  size_t done = 0;
  size_t first = 0;
  for (const DateReading& reading : ReadDates(text.text(), words, context)) {
    if (reading.begin < done) continue;
    const size_t begin = words[reading.begin].begin;
    const size_t end = words[reading.end - 1].end;
    // The words of this text that the reading covers.
    while (first < text.size() && text.words()[first].end <= begin) ++first;
    size_t last = first;
    bool month = false;
    bool year = false;
    for (; last < text.size() && text.words()[last].begin < end; ++last) {
      month = month || text.Within(List::kMonths, last);
      year = year || (text.words()[last].digits && YearOf(text.Lower(last)) > 0);
    }
    if (last == first) continue;
    done = reading.end;
    const bool cue = text.CueFor(first, last, kBirthCue).has_value();
    if (!month && !cue) continue;
    const int said = static_cast<int>(std::chrono::year_month_day(reading.date).year());
    Add(text, first, last, year || reading.end - reading.begin > 3 ? said : 0, spans);
  }
}

}  // namespace

void FindDates(const MarkedText& text, Spans& spans) {
  FindNumeric(text, spans);
  FindSaid(text, spans);
}

}  // namespace sotto
