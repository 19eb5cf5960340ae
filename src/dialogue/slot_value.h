// Whether a value fits a slot: the type, range and list its entity allows; and which slots want one.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/understanding.h"
#include "dialogue/program.h"
#include "workflow/workflow.h"

namespace sotto {

// Why a value does not fit: the message that says so (workflow/messages.h), and the limit that was passed.
struct Misfit {
  // not_a_value, wrong_length, not_a_number, not_whole, not_a_date, not_a_time, not_a_duration,
  // not_a_date_range, too_small, too_large, too_early, too_late, ambiguous, other_currency
  std::string message;
  Json limit = nullptr;  // a value of the slot
};

// The value as the slot keeps it: enums by synonym and case, digits as a string ("4532" for 4532), amounts
// rounded to cents, the calendar's in ISO 8601, ranges cut to the slot's limits. `today`: the day of the
// call, on which limits such as "60 days" hang; unknown, they are not looked at.
std::variant<Json, Misfit> FitValue(const Entity& entity, const Json& value,
                                    std::optional<Date> today = std::nullopt);

// What the brain says does not fit (core/understanding.h).
Misfit ToMisfit(const Entity& entity, const UnfitValue& unfit);

// The required slots that `slots` (name -> value) lack, in the tool's order; one with `when` only where that
// holds.
std::vector<std::string> MissingSlots(const DialogueProgram::ToolTexts& tool, const Json& slots);

// The digits of a number that comes in pieces: `so_far` and what was said now; a correction of the last ones
// ("no, three three") replaces them.
std::string JoinDigits(const std::string& so_far, const std::string& said, bool corrects);

// How a value is shown in running text: "$200.00", "4532", "last month", "Tuesday, March 3".
std::string ShowValue(const Entity& entity, const Json& value, std::optional<Date> today = std::nullopt);

}  // namespace sotto
