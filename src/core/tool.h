// What the brain can ask for (ToolSpec), asks for (ToolCall), and what came of it (ToolResult).
#pragma once

#include <string>
#include <vector>

#include "core/json.h"

namespace sotto {

// One entry of the OpenAI `tools` array: {"type": "function", "function": {name, description, parameters}}.
struct ToolSpec {
  std::string name;
  std::string description;
  Json parameters = Json::object();  // JSON Schema of the arguments object
};

struct ToolCall {
  std::string name;
  Json arguments = Json::object();  // only what was said; omitted otherwise
};

// Same name, same arguments (SameValue).
bool SameCall(const ToolCall& a, const ToolCall& b);

// `transfer_money(amount=200, from_account=checking)`: for people, not for parsing.
std::string ToString(const ToolCall& call);

// What an action returned. `failure` is a short typed code (insufficient_funds, timeout, ...) that the
// workflow's `failed:` texts are keyed by; empty on success. `data` feeds the templates.
struct ToolResult {
  bool ok = false;
  std::string failure;
  Json data = Json::object();
};

// {"name": ..., "arguments": {...}}
Json ToJson(const ToolCall& call);
// The OpenAI form of a tool and back. The error names the JSON path.
Json ToJson(const ToolSpec& tool);
Result<ToolSpec> ToolSpecFromJson(const Json& json);
Result<ToolCall> ToolCallFromJson(const Json& json);

}  // namespace sotto
