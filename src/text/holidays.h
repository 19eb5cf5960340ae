// Holidays whose day differs from year to year: the n-th weekday of a month, and those that hang on Easter. Internal to the
// text layer. Sources: the federal holidays of the United States; for Easter the Gregorian computus (Meeus 1991).
#pragma once

#include <span>
#include <string_view>

#include "core/calendar.h"

namespace sotto {

struct MovableHoliday {
  std::string_view name;  // in spoken form
  Date (*in)(int year);
};
std::span<const MovableHoliday> MovableHolidays();

Date EasterSunday(int year);

}  // namespace sotto
