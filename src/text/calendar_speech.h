// Writes the calendar's values (core/calendar.h, as ISO text) for the eye and for the ear. Text that is no
// such value is returned unchanged. English. Pure functions: any thread.
//
//                                   shown                            spoken
//   date  2026-03-03                March 3, 2026                    March third, twenty twenty six
//         with `today` near it      Tuesday, March 3                 Tuesday the third of March
//   range 2026-03-01/2026-03-15     March 1, 2026 to March 15, 2026  March first, ... to March fifteenth, ...
//         2026-03-01/2026-03-31     March 2026                       March twenty twenty six
//   time  15:30                     at 3:30 PM                       at half past three in the afternoon
//         06:00/12:00               in the morning                   in the morning
//         09:00/11:00               between 9:00 AM and 11:00 AM     between nine and eleven in the morning
//   period P14D                     2 weeks                          two weeks
//         PT1H30M                   1 hour and 30 minutes            one hour and thirty minutes
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/calendar.h"

namespace sotto {

// `today`: the day of the call. Days within a few months of it go by weekday and need no year.
std::string SpeakDate(std::string_view iso_date, std::optional<Date> today = std::nullopt);
std::string ShowDate(std::string_view iso_date, std::optional<Date> today = std::nullopt);
std::string SpeakDateRange(std::string_view iso_range, std::optional<Date> today = std::nullopt);
std::string ShowDateRange(std::string_view iso_range, std::optional<Date> today = std::nullopt);
// With the words that join it to a sentence: "at", "in the", "between", "before".
std::string SpeakDayTime(std::string_view iso_time);
std::string ShowDayTime(std::string_view iso_time);
std::string SpeakPeriod(std::string_view iso_period);
std::string ShowPeriod(std::string_view iso_period);

// "twenty twenty six", "nineteen oh five", "two thousand seven".
std::string SpeakYear(int year);

}  // namespace sotto
