// What in a text is a day, a time, a number or an amount, with its value: the readers of text/ behind one function. Spans
// within longer ones are left out, and so is a time of day that is only a number. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/calendar.h"
#include "core/json.h"

namespace sotto {

struct TagOptions {
  std::vector<std::string> types;  // of TagTypes()
  bool day_first = false;          // "3/4" is the third of April
  bool past = false;               // what names no year, month or week lies behind
};
// date, date_range, time, duration, number, ordinal, percent, money.
const std::vector<std::string>& TagTypes();

// [{"type", "text", "begin", "end", "value", "others"?, ...}] (docs/formats/narrow_specialist.md), by place. "Next friday" is
// that of the next week, the nearest is among the others. REQUIRES: `text` is UTF-8.
Json TagText(std::string_view text, Date today, const TagOptions& options);

}  // namespace sotto
