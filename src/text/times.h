// Reads times of day and lengths of time out of what people say: "half past three", "quarter to nine", "3
// pm", "noon", "three in the afternoon", "between nine and eleven", "before noon", "in the morning"; "two
// weeks", "an hour and a half", "two hours thirty", "90 minutes". Pure functions: any thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/calendar.h"
#include "text/normalise.h"

namespace sotto {

struct TimeReading {
  DayTime time;
  size_t begin = 0;  // the words [begin, end) it was read from
  size_t end = 0;
};
// By place, spans inside a longer one left out. Of one span the conventional reading first: "three" is 15:00,
// then 03:00; "nine" 09:00, then 21:00. Numbers are times only where something says so ("at", "am",
// "o'clock") or nothing else was said.
std::vector<TimeReading> ReadTimes(std::string_view text, std::span<const NormalisedWord> words);
std::vector<TimeReading> ReadTimes(std::string_view text);

struct PeriodReading {
  Period period;
  size_t begin = 0;
  size_t end = 0;
};
// By place, spans inside a longer one left out.
std::vector<PeriodReading> ReadPeriods(std::string_view text, std::span<const NormalisedWord> words);
std::vector<PeriodReading> ReadPeriods(std::string_view text);

// What parts of the day mean, the name with the words before it: {"in the morning", 06:00/12:00}.
struct PartOfDay {
  std::string_view name;
  DayTime time;
};
std::span<const PartOfDay> PartsOfDay();

}  // namespace sotto
