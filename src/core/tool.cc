#include "core/tool.h"

#include <fmt/ranges.h>

namespace sotto {

bool SameCall(const ToolCall& a, const ToolCall& b) {
  return a.name == b.name && SameValue(a.arguments, b.arguments);
}

std::string ToString(const ToolCall& call) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : call.arguments.items()) {
    parts.push_back(fmt::format("{}={}", key, value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return fmt::format("{}({})", call.name, fmt::join(parts, ", "));
}

Json ToJson(const ToolCall& call) { return Json{{"name", call.name}, {"arguments", call.arguments}}; }

Json ToJson(const ToolSpec& tool) {
  return Json{
      {"type", "function"},
      {"function",
       Json{{"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}}}};
}

Result<ToolSpec> ToolSpecFromJson(const Json& json) {
  const Json* function = &json;
  if (json.is_object() && json.contains("function")) function = &json.at("function");
  if (!function->is_object() || !function->contains("name") || !function->at("name").is_string()) {
    return MakeError(ErrorCode::kInvalidArgument, "tool without a string at function.name: {}",
                     json.dump().substr(0, 80));
  }
  ToolSpec tool;
  tool.name = function->at("name").get<std::string>();
  if (function->contains("description") && function->at("description").is_string()) {
    tool.description = function->at("description").get<std::string>();
  }
  tool.parameters = function->contains("parameters")
                        ? function->at("parameters")
                        : Json{{"type", "object"}, {"properties", Json::object()}};
  if (!tool.parameters.is_object()) {
    return MakeError(ErrorCode::kInvalidArgument, "tool '{}': function.parameters is not an object",
                     tool.name);
  }
  return tool;
}

Result<ToolCall> ToolCallFromJson(const Json& json) {
  const Json* function = &json;
  if (json.is_object() && json.contains("function")) function = &json.at("function");
  if (!function->is_object() || !function->contains("name") || !function->at("name").is_string()) {
    return MakeError(ErrorCode::kInvalidArgument, "tool call without a string at name: {}",
                     json.dump().substr(0, 80));
  }
  ToolCall call{function->at("name").get<std::string>(), Json::object()};
  for (const char* key : {"arguments", "parameters"}) {
    if (!function->contains(key)) continue;
    Json arguments = function->at(key);
    if (arguments.is_string()) {
      SOTTO_ASSIGN_OR_RETURN(arguments, ParseJson(arguments.get<std::string>(), "arguments of " + call.name));
    }
    if (!arguments.is_object()) {
      return MakeError(ErrorCode::kInvalidArgument, "tool call '{}': {} is not an object", call.name, key);
    }
    call.arguments = std::move(arguments);
    break;
  }
  return call;
}

}  // namespace sotto
