#include "core/tool.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/ascii.h"

namespace sotto {
namespace {

// What stands in an error of a value: its beginning.
std::string Beginning(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80);
}

// Where the vendors put the schema of the arguments: OpenAI, Anthropic, MCP, Gemini.
constexpr const char* kSchemaKeys[] = {"parameters", "input_schema", "inputSchema", "parametersJsonSchema",
                                       "parameters_json_schema"};
// And the arguments of a call: OpenAI, Llama, Anthropic, Gemini.
constexpr const char* kArgumentKeys[] = {"arguments", "parameters", "input", "args"};
// What else a call may hold.
constexpr const char* kCallKeys[] = {"name",
                                     "id",
                                     "type",
                                     "index",
                                     "call_id",
                                     "status",
                                     "cache_control",
                                     "thought_signature",
                                     "thoughtSignature"};

template <typename Keys>
bool IsOneOf(const std::string& key, const Keys& keys) {
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

// The object that names a tool or a call: OpenAI wraps it into "function", Gemini a call into "functionCall".
const Json& Inner(const Json& json) {
  for (const char* key : {"function", "functionCall", "function_call"}) {
    if (json.is_object() && json.contains(key) && json.at(key).is_object()) return json.at(key);
  }
  return json;
}

// The type's name in JSON Schema: Gemini writes capitals ("STRING"), tools made from code Python's names.
std::string TypeName(std::string name) {
  static constexpr std::pair<std::string_view, const char*> kOthers[] = {
      {"str", "string"},   {"int", "integer"}, {"long", "integer"}, {"float", "number"}, {"double", "number"},
      {"bool", "boolean"}, {"dict", "object"}, {"list", "array"},   {"tuple", "array"}};
  name = LowerAscii(name);
  for (const auto& [other, own] : kOthers) {
    if (name == other) return own;
  }
  return name;
}

// Only where a schema is expected: values of an enum stay.
void NormaliseTypes(Json& schema) {
  if (schema.is_array()) {
    for (Json& item : schema) NormaliseTypes(item);
  }
  if (!schema.is_object()) return;
  for (auto& [key, value] : schema.items()) {
    if (key == "enum" || key == "const" || key == "default" || key == "example" || key == "examples")
      continue;
    if (key == "properties" || key == "$defs" || key == "definitions") {
      if (value.is_object()) {
        for (auto& [name, inner] : value.items()) NormaliseTypes(inner);
      }
      continue;
    }
    if (key == "type" && value.is_string()) {
      value = TypeName(value.get<std::string>());
    } else {
      NormaliseTypes(value);
    }
  }
}

}  // namespace

bool SameCall(const ToolCall& a, const ToolCall& b) {
  return a.name == b.name && SameValue(a.arguments, b.arguments);
}

std::string ToString(const ToolCall& call) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : call.arguments.items()) {
    parts.push_back(fmt::format("{}={}", key,
                                value.is_string()
                                    ? value.get<std::string>()
                                    : value.dump(-1, ' ', false, Json::error_handler_t::replace)));
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
  const Json& function = Inner(json);
  if (!function.is_object() || !function.contains("name") || !function.at("name").is_string()) {
    return MakeError(ErrorCode::kInvalidArgument, "tool without a string at 'name': {}", Beginning(json));
  }
  ToolSpec tool;
  tool.name = function.at("name").get<std::string>();
  if (function.contains("description") && function.at("description").is_string()) {
    tool.description = function.at("description").get<std::string>();
  }
  tool.parameters = Json{{"type", "object"}, {"properties", Json::object()}};
  const char* found = nullptr;
  for (const char* key : kSchemaKeys) {
    if (!function.contains(key) || function.at(key).is_null()) continue;
    if (found != nullptr) {
      return MakeError(ErrorCode::kInvalidArgument, "tool '{}': both '{}' and '{}'; want one schema",
                       tool.name, found, key);
    }
    found = key;
    tool.parameters = function.at(key);
  }
  if (!tool.parameters.is_object()) {
    return MakeError(ErrorCode::kInvalidArgument, "tool '{}': {} is not an object", tool.name, found);
  }
  for (const auto& [key, value] : function.items()) {
    if (found != nullptr || !value.is_object() || !value.contains("properties")) continue;
    return MakeError(ErrorCode::kInvalidArgument,
                     "tool '{}': its arguments stand in '{}'; want parameters (OpenAI, Gemini), input_schema "
                     "(Anthropic) or inputSchema (MCP)",
                     tool.name, key);
  }
  NormaliseTypes(tool.parameters);
  return tool;
}

Result<ToolCall> ToolCallFromJson(const Json& json) {
  const Json& function = Inner(json);
  if (!function.is_object() || !function.contains("name") || !function.at("name").is_string()) {
    return MakeError(ErrorCode::kInvalidArgument, "tool call without a string at 'name': {}",
                     Beginning(json));
  }
  ToolCall call{function.at("name").get<std::string>(), Json::object()};
  const char* found = nullptr;
  for (const char* key : kArgumentKeys) {
    if (!function.contains(key)) continue;
    if (found != nullptr) {
      return MakeError(ErrorCode::kInvalidArgument, "tool call '{}': both '{}' and '{}'", call.name, found,
                       key);
    }
    found = key;
    Json arguments = function.at(key);
    if (arguments.is_string()) {
      const auto& text = arguments.get_ref<const std::string&>();
      if (text.find_first_not_of(" \t\r\n") == std::string::npos) continue;  // a tool without arguments
      SOTTO_ASSIGN_OR_RETURN(arguments, ParseJson(std::string(text), "arguments of " + call.name));
    }
    if (arguments.is_null()) continue;
    if (!arguments.is_object()) {
      return MakeError(ErrorCode::kInvalidArgument, "tool call '{}': {} is not an object", call.name, key);
    }
    call.arguments = std::move(arguments);
  }
  for (const auto& [key, value] : function.items()) {
    if (found != nullptr || !value.is_object() || IsOneOf(key, kCallKeys)) continue;
    return MakeError(ErrorCode::kInvalidArgument, "tool call '{}': no key '{}' is known; want 'arguments'",
                     call.name, key);
  }
  return call;
}

}  // namespace sotto
