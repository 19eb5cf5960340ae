#include "text/dates.h"

#include <algorithm>
#include <utility>

#include "text/day_reader.h"

namespace sotto {

bool WritesDayFirst(std::string_view language) {
  const size_t dash = language.find_first_of("-_");
  if (dash == std::string_view::npos) return language != "en";
  const std::string_view region = language.substr(dash + 1);
  return region != "US" && region != "us";
}

std::vector<DateReading> ReadDates(std::string_view text, std::span<const NormalisedWord> words,
                                   const DateContext& context) {
  const CalendarWords calendar(text, words);
  DayReader reader(calendar, context);
  std::vector<DateReading> readings;
  size_t reached = 0;  // by the spans so far
  for (size_t i = 0; i < words.size(); ++i) {
    const DayReader::Day* longest = reader.Longest(i);
    if (longest == nullptr || longest->end <= reached) continue;
    reached = longest->end;
    for (const DayReader::Day& day : reader.At(i)) {
      if (day.end != reached) continue;
      for (const Date date : day.dates) {
        const bool known = std::any_of(readings.begin(), readings.end(), [&](const DateReading& reading) {
          return reading.begin == i && reading.end == reached && reading.date == date;
        });
        if (!known) readings.push_back({date, i, reached});
      }
    }
  }
  return readings;
}

std::vector<DateReading> ReadDates(std::string_view text, const DateContext& context) {
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(text);
  return ReadDates(text, words, context);
}

}  // namespace sotto
