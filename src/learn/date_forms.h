// How people say days, times, lengths and ranges: the inverse of text/dates, text/times and text/date_ranges.
// Every form returned here is read back as the value it was made for, on the day it was said.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "brain/said_dates.h"

namespace sotto {

// A value within the entity's limits that somebody may want on that day, ISO 8601. REQUIRES (both):
// entity.IsCalendar(), day.today.
std::string DrawCalendarValue(const Entity& entity, const CallDay& day, Random& random);

// One of the ways to say it.
std::string SayCalendarValue(const Entity& entity, std::string_view value, const CallDay& day,
                             Random& random);

}  // namespace sotto
