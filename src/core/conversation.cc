#include "core/conversation.h"

#include <algorithm>

namespace sotto {

const std::vector<ToolSpec>& ControlTools() {
  static const std::vector<ToolSpec> tools = [] {
    const Json none{{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
    return std::vector<ToolSpec>{
        {control::kAffirm, "The user says yes to what was asked or offered", none},
        {control::kDeny, "The user says no to what was asked or offered", none},
        {control::kNeverMind, "The user drops the current task", none},
        {control::kRepeat, "The user wants the last reply again", none},
        {control::kWait, "The user needs a moment", none},
        {control::kStartOver, "The user wants to begin again", none},
        {control::kHelp, "The user asks what the assistant can do or what is expected", none},
    };
  }();
  return tools;
}

const std::vector<std::string>& ControlToolNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const ToolSpec& tool : ControlTools()) all.push_back(tool.name);
    return all;
  }();
  return names;
}

bool IsControlTool(std::string_view name) {
  return std::any_of(ControlTools().begin(), ControlTools().end(),
                     [&](const ToolSpec& tool) { return tool.name == name; });
}

}  // namespace sotto
