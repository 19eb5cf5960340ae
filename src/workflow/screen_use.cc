#include "workflow/screen_use.h"

#include "workflow/stakes.h"
#include "workflow/suggest.h"

namespace sotto {
namespace {

// A slot of the tool of that kind; noted where there is none.
void CheckScreenSlot(const ToolDef& tool, const std::string& slot_name, bool money, const std::string& at,
                     YamlReader& reader) {
  std::vector<std::string> known;
  for (const Slot& slot : tool.slots) known.push_back(slot.name);
  const Slot* slot = tool.FindSlot(slot_name);
  if (slot == nullptr) {
    reader.AddAt(at, fmt::format("tool '{}' has no slot '{}'", tool.name, slot_name),
                 Suggestion(slot_name, known));
  } else if (money && slot->entity.type != Entity::Type::kMoney &&
             slot->entity.type != Entity::Type::kNumber) {
    reader.AddAt(at, fmt::format("slot '{}' of '{}' is no amount", slot_name, tool.name));
  }
}

void ReadScreenTool(const std::string& name, const YAML::Node& node, Workflow& workflow, YamlReader& reader) {
  const std::string at = "screen.tools." + name;
  if (!reader.CheckMap(node, at, {"amount", "to"}, fmt::format("tool '{}'", name))) return;
  ScreenDef::Use use{name, "", ""};
  reader.Read(node, at, "amount", use.amount);
  reader.Read(node, at, "to", use.to);
  const ToolDef* tool = workflow.FindTool(name);
  if (tool == nullptr || tool->action.empty() || workflow.FindPlan(name) != nullptr) {
    std::vector<std::string> known;
    for (const auto* some : {&workflow.tools, &workflow.plan_tools}) {
      for (const ToolDef& one : *some) {
        if (Acts(workflow, one)) known.push_back(one.name);
      }
    }
    reader.AddAt(at, fmt::format("'{}' is no tool with an action", name), Suggestion(name, known));
    return;
  }
  if (!Acts(workflow, *tool)) {
    reader.AddAt(at, fmt::format("tool '{}' only looks something up: there is nothing to screen", name));
    return;
  }
  CheckScreenSlot(*tool, use.amount, true, at + ".amount", reader);
  CheckScreenSlot(*tool, use.to, false, at + ".to", reader);
  workflow.screen.tools.push_back(std::move(use));
}

}  // namespace

void ReadScreenUse(const YAML::Node& node, Workflow& workflow, YamlReader& reader) {
  if (!reader.CheckMap(node, "screen", {"use", "tools", "step_up"}, "screen")) return;
  ScreenDef& screen = workflow.screen;
  screen.line = node.Mark().line + 1;
  reader.Read(node, "screen", "use", screen.path);
  if (screen.path.empty()) reader.AddAt("screen", "which screen is not said", "use: payments");
  screen.step_up =
      static_cast<ScreenDef::Then>(reader.ReadOneOf(node, "screen", "step_up", {"verify", "handoff"}, 0));
  const YAML::Node tools = node["tools"];
  if (!tools || tools.size() == 0) {
    reader.AddAt("screen", "a screen without tools", "tools: {pay_bill: {amount: amount, to: payee}}");
    return;
  }
  if (!reader.CheckNames(tools, "screen.tools", "screen.tools", true)) return;
  for (const auto& item : tools) ReadScreenTool(item.first.Scalar(), item.second, workflow, reader);
  if (screen.step_up == ScreenDef::Then::kVerify && workflow.FindRole(ToolRole::kVerify) == nullptr) {
    reader.AddAt(node["step_up"] ? "screen.step_up" : "screen",
                 "'step_up: verify' needs a tool with 'role: verify'", "step_up: handoff");
  }
}

}  // namespace sotto
