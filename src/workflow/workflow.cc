#include "workflow/workflow.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/check.h"
#include "text/spoken_numbers.h"

namespace sotto {

std::shared_ptr<const LanguageData> EnglishData() {
  const auto english = LanguageFor("en");
  SOTTO_CHECK(english.has_value(), "{}", english.error().message);
  return *english;
}

namespace {

template <typename Items>
auto FindNamed(const Items& items, std::string_view name) -> decltype(&*items.begin()) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

// 2, not 2.0.
Json NumberJson(double number) {
  if (number == std::floor(number) && std::abs(number) < 9e15) return static_cast<int64_t>(number);
  return number;
}

const char* ValueTypeName(Entity::ValueType type) {
  switch (type) {
    case Entity::ValueType::kNumber:
      return "number";
    case Entity::ValueType::kInteger:
      return "integer";
    case Entity::ValueType::kBoolean:
      return "boolean";
    case Entity::ValueType::kString:
      break;
  }
  return "string";
}

Json SchemaOfSlot(const Slot& slot) {
  Json schema = Json::object();
  const Entity& entity = slot.entity;
  switch (entity.type) {
    case Entity::Type::kEnum: {
      schema["type"] = ValueTypeName(entity.value_type);
      if (entity.value_type == Entity::ValueType::kBoolean && entity.values.size() == 2) break;
      schema["enum"] = Json::array();
      for (const EntityValue& value : entity.values) schema["enum"].push_back(ValueJson(entity, value.value));
      break;
    }
    case Entity::Type::kDigits:
      schema["type"] = "string";
      schema["pattern"] = entity.length > 0 ? fmt::format("^[0-9]{{{}}}$", entity.length) : "^[0-9]+$";
      break;
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      schema["type"] = entity.value_type == Entity::ValueType::kInteger ? "integer" : "number";
      if (entity.min) schema["minimum"] = NumberJson(*entity.min);
      if (entity.max) schema["maximum"] = NumberJson(*entity.max);
      break;
    case Entity::Type::kDate:
      schema["type"] = "string";
      schema["format"] = "date";
      break;
    case Entity::Type::kTime:
      schema["type"] = "string";
      schema["pattern"] = "^[0-2][0-9]:[0-5][0-9](/[0-2][0-9]:[0-5][0-9])?$";
      break;
    case Entity::Type::kDuration:
      schema["type"] = "string";
      schema["pattern"] = "^P([0-9]+Y)?([0-9]+M)?([0-9]+D)?(T([0-9]+H)?([0-9]+M)?)?$";
      break;
    case Entity::Type::kDateRange:
      schema["type"] = "string";
      schema["pattern"] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{4}-[0-9]{2}-[0-9]{2}$";
      break;
    case Entity::Type::kText:
      schema["type"] = "string";
      break;
  }
  if (!slot.description.empty()) schema["description"] = slot.description;
  return schema;
}

}  // namespace

Result<DayLimit> ParseDayLimit(std::string_view text) {
  DayLimit limit;
  if (text == "today") return limit;
  if (text == "tomorrow" || text == "yesterday") {
    limit.days = text == "tomorrow" ? 1 : -1;
    return limit;
  }
  limit.date = ParseDate(text);
  if (limit.date) return limit;
  const auto wrong = [&] {
    return MakeError(ErrorCode::kInvalidArgument,
                     "'{}' is no day; write today, tomorrow, 60 days, -2 years or 2026-03-03", text);
  };
  const bool before = text.starts_with('-');
  if (before) text.remove_prefix(1);
  int count = 0;
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > 5 || digits >= text.size() || text[digits] != ' ') return wrong();
  for (const char c : text.substr(0, digits)) count = count * 10 + (c - '0');
  if (before) count = -count;
  std::string_view unit = text.substr(digits + 1);
  if (unit.ends_with('s')) unit.remove_suffix(1);
  if (unit == "day") {
    limit.days = count;
  } else if (unit == "week") {
    limit.days = 7 * count;
  } else if (unit == "month") {
    limit.months = count;
  } else if (unit == "year") {
    limit.months = 12 * count;
  } else {
    return wrong();
  }
  return limit;
}

std::string_view ToolRoleName(ToolRole role) {
  switch (role) {
    case ToolRole::kTask:
      return "task";
    case ToolRole::kGreeting:
      return "greeting";
    case ToolRole::kGoodbye:
      return "goodbye";
    case ToolRole::kThanks:
      return "thanks";
    case ToolRole::kUnclear:
      return "unclear";
    case ToolRole::kHandoff:
      return "handoff";
    case ToolRole::kVerify:
      return "verify";
    case ToolRole::kAnswer:
      return "answer";
  }
  return "task";
}

const Slot* ToolDef::FindSlot(std::string_view slot) const { return FindNamed(slots, slot); }

size_t PlanDef::first_act() const {
  return static_cast<size_t>(
      std::find_if(steps.begin(), steps.end(), [](const GoalStep& step) { return step.acts; }) -
      steps.begin());
}

const ToolDef* Workflow::FindTool(std::string_view tool) const {
  if (const ToolDef* offered = FindNamed(tools, tool)) return offered;
  if (const ToolDef* of_plans = FindNamed(plan_tools, tool)) return of_plans;
  const PlanDef* plan = FindPlan(tool);
  return plan == nullptr ? nullptr : &plan->goal;
}

const PlanDef* Workflow::FindPlan(std::string_view goal) const {
  const auto found =
      std::find_if(plans.begin(), plans.end(), [&](const PlanDef& plan) { return plan.goal.name == goal; });
  return found == plans.end() ? nullptr : &*found;
}

const McpServer* Workflow::FindMcpServer(std::string_view server) const {
  return FindNamed(mcp_servers, server);
}

const ToolDef* Workflow::FindRole(ToolRole role) const {
  const auto found =
      std::find_if(tools.begin(), tools.end(), [&](const ToolDef& tool) { return tool.role == role; });
  return found == tools.end() ? nullptr : &*found;
}

ToolSpec ToToolSpec(const ToolDef& tool) {
  Json properties = Json::object();
  for (const Slot& slot : tool.slots) properties[slot.name] = SchemaOfSlot(slot);
  return {tool.name, tool.description,
          Json{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}}};
}

ToolSpec ToExportedTool(const ToolDef& tool) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Slot& slot : tool.slots) {
    Json& schema = properties[slot.argument()] = SchemaOfSlot(slot);
    // Known names of a free text are no limit; they are what it is like.
    if (slot.entity.type == Entity::Type::kText && !slot.entity.values.empty()) {
      schema["examples"] = Json::array();
      for (const EntityValue& value : slot.entity.values) schema["examples"].push_back(value.value);
    }
    if (slot.required) required.push_back(slot.argument());
  }
  Json parameters{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) parameters["required"] = std::move(required);
  parameters["additionalProperties"] = false;
  return {tool.as.empty() ? tool.name : tool.as, tool.description, std::move(parameters)};
}

Json ValueJson(const Entity& entity, std::string_view value) {
  const std::string text(value);
  switch (entity.value_type) {
    case Entity::ValueType::kString:
      return text;
    case Entity::ValueType::kBoolean:
      return text == "true";
    case Entity::ValueType::kNumber:
    case Entity::ValueType::kInteger:
      break;
  }
  return NumberJson(std::strtod(text.c_str(), nullptr));
}

std::string ValueText(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number()) return NumberText(value.get<double>());
  return "";
}

std::vector<ToolSpec> ToToolSpecs(const Workflow& workflow) {
  std::vector<ToolSpec> specs;
  specs.reserve(workflow.tools.size());
  for (const ToolDef& tool : workflow.tools) specs.push_back(ToToolSpec(tool));
  return specs;
}

std::string_view SpokenValue(const Entity& entity, std::string_view value) {
  const auto found = std::find_if(entity.values.begin(), entity.values.end(),
                                  [&](const EntityValue& item) { return item.value == value; });
  return found == entity.values.end() ? value : std::string_view(found->spoken);
}

}  // namespace sotto
