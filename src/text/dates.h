// Reads single days out of what people say: "march third", "tuesday the 3rd", "a week on monday", "in three
// days", "the day after tomorrow", "end of the month", "5/5/2026", "christmas eve". Relative to a day that
// the caller gives.
//
// A span may mean several days ("the fifth": of this month or the next; "next friday"): each is a reading,
// the conventional one first. Words that only look like dates ("may I", "the second card", "one second") are
// none. Calendar arithmetic is std::chrono's; the forms are those that Duckling and SUTime read, written
// anew. Pure functions: any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "core/calendar.h"
#include "text/normalise.h"

namespace sotto {

struct DateContext {
  Date today;
  bool day_first = false;  // "3/4" is the third of April
  bool past = false;  // what names no year, month or week lies behind (statements, birth dates), not ahead
};
// `language` as in the workflow: "en" and "en-US" write the month first, other regions the day.
bool WritesDayFirst(std::string_view language);

struct DateReading {
  Date date;
  size_t begin = 0;  // the words [begin, end) it was read from
  size_t end = 0;
};

// By place; of one span the conventional reading first. Spans inside a longer one are left out. `words` are
// those of `text` (NormaliseSpokenWords).
std::vector<DateReading> ReadDates(std::string_view text, std::span<const NormalisedWord> words,
                                   const DateContext& context);
std::vector<DateReading> ReadDates(std::string_view text, const DateContext& context);

}  // namespace sotto
