// The types of a plan's values, and what fits a slot of which. Internal to the workflow layer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workflow/workflow.h"

namespace sotto {

// What a value of a plan can be.
struct PlanType {
  std::string format;               // as in texts; empty: not known, a mistake was noted
  std::vector<std::string> listed;  // of an enum: all it can be
  bool is_enum = false;
};

// Whether values of that format can be added.
bool IsNumeric(std::string_view format);
std::vector<std::string> ListedIn(const Entity& entity);
bool IsIn(const std::vector<std::string>& names, const std::string& name);

// Why values of the type do not fit the entity; empty: they do.
std::string WhyUnfit(const PlanType& type, const Entity& entity);
// "money", "one of checking, savings"
std::string NameOfEntity(const Entity& entity);

bool LiteralFits(const Json& literal, const Entity& entity);
// REQUIRES: it fits.
Json LiteralAs(const Json& literal, const Entity& entity);

}  // namespace sotto
