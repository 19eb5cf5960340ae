// Reads days in a row out of what people say: "the last two weeks", "this month", "Q1", "from the first to
// the fifteenth", "between monday and wednesday", "since march", "the week of the fifth". A single day is a
// range of one. See text/dates.h for the context and for what several readings of one span mean. Pure
// functions: any thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "text/dates.h"

namespace sotto {

struct DateRangeReading {
  DateRange range;
  size_t begin = 0;
  size_t end = 0;
};

// "The last two weeks" begin two weeks ago and end today; "last week" is Monday to Sunday.
std::vector<DateRangeReading> ReadDateRanges(std::string_view text, std::span<const NormalisedWord> words,
                                             const DateContext& context);
std::vector<DateRangeReading> ReadDateRanges(std::string_view text, const DateContext& context);

}  // namespace sotto
