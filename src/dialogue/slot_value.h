// Whether a value fits a slot: the type, range and list its entity allows.
#pragma once

#include <string>
#include <variant>

#include "core/understanding.h"
#include "workflow/workflow.h"

namespace sotto {

// Why a value does not fit: the message that says so (workflow/messages.h), and the limit that was passed.
struct Misfit {
  // not_a_value, wrong_length, not_a_number, not_whole, not_a_date, too_small, too_large, ambiguous, other_currency
  std::string message;
  double limit = 0;
};

// The value as the slot keeps it: enums by synonym and case, digits as a string ("4532" for 4532), amounts
// rounded to cents, dates as yyyy-mm-dd.
std::variant<Json, Misfit> FitValue(const Entity& entity, const Json& value);

// What the brain says does not fit (core/understanding.h).
Misfit ToMisfit(const Entity& entity, const UnfitValue& unfit);

// The digits of a number that comes in pieces: `so_far` and what was said now; a correction of the last ones
// ("no, three three") replaces them.
std::string JoinDigits(const std::string& so_far, const std::string& said, bool corrects);

// How a value is shown in running text: "$200.00", "4532", "last month".
std::string ShowValue(const Entity& entity, const Json& value);

}  // namespace sotto
