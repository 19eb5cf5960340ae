// Whether a value fits a slot: the type, range and list its entity allows.
#pragma once

#include <string>
#include <variant>

#include "workflow/workflow.h"

namespace sotto {

// Why a value does not fit: the message that says so (workflow/messages.h), and the limit that was passed.
struct Misfit {
  std::string
      message;  // not_a_value, wrong_length, not_a_number, not_whole, not_a_date, too_small, too_large
  double limit = 0;
};

// The value as the slot keeps it: enums by synonym and case, digits as a string ("4532" for 4532), amounts
// rounded to cents, dates as yyyy-mm-dd.
std::variant<Json, Misfit> FitValue(const Entity& entity, const Json& value);

// How a value is shown in running text: "$200.00", "4532", "last month".
std::string ShowValue(const Entity& entity, const Json& value);

}  // namespace sotto
