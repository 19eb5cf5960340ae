// The values of a plan: what they are written as, which type they have, what they are once the results that they are made
// of are there. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "workflow/workflow.h"

namespace sotto {

// "$1.balance - $keep", "$payee", "checking", "'a name'", "50". The error says what is wrong, without a place.
Result<PlanValue> ParsePlanValue(std::string_view text);

// `named`: the goal's slots and the plan's values that are known; `results`: step number ("1") -> its result's data.
// Nothing where a term has no value or no number where one is needed. Amounts are rounded to cents.
std::optional<Json> Evaluate(const PlanValue& value, const Json& named, const Json& results);

// The goal's slots with their defaults, and those of the plan's values that can be told by now.
Json PlanValues(const PlanDef& plan, const Json& slots, const Json& results);

// The format of an entity's values in texts: "money", "text", ...
std::string_view FormatOfEntity(const Entity& entity);

}  // namespace sotto
