#include "workflow/workflow.h"

#include <algorithm>

#include "base/check.h"

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

Json SlotSchema(const Slot& slot) {
  Json schema = Json::object();
  const Entity& entity = slot.entity;
  switch (entity.type) {
    case Entity::Type::kEnum: {
      schema["type"] = "string";
      schema["enum"] = Json::array();
      for (const EntityValue& value : entity.values) schema["enum"].push_back(value.value);
      break;
    }
    case Entity::Type::kDigits:
      schema["type"] = "string";
      schema["pattern"] = entity.length > 0 ? fmt::format("^[0-9]{{{}}}$", entity.length) : "^[0-9]+$";
      break;
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      schema["type"] = "number";
      if (entity.min) schema["minimum"] = *entity.min;
      if (entity.max) schema["maximum"] = *entity.max;
      break;
    case Entity::Type::kDate:
      schema["type"] = "string";
      schema["format"] = "date";
      break;
    case Entity::Type::kText:
      schema["type"] = "string";
      break;
  }
  if (!slot.description.empty()) schema["description"] = slot.description;
  return schema;
}

}  // namespace

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
  }
  return "task";
}

const Slot* ToolDef::FindSlot(std::string_view slot) const { return FindNamed(slots, slot); }

const ToolDef* Workflow::FindTool(std::string_view tool) const { return FindNamed(tools, tool); }

const ToolDef* Workflow::FindRole(ToolRole role) const {
  const auto found =
      std::find_if(tools.begin(), tools.end(), [&](const ToolDef& tool) { return tool.role == role; });
  return found == tools.end() ? nullptr : &*found;
}

ToolSpec ToToolSpec(const ToolDef& tool) {
  Json properties = Json::object();
  for (const Slot& slot : tool.slots) properties[slot.name] = SlotSchema(slot);
  return {tool.name, tool.description,
          Json{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}}};
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
