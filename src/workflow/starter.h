// Writes the first workflow.yaml of a new assistant: a small example, or a complete one made from a tools
// array.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/conversation.h"
#include "workflow/workflow.h"

namespace sotto {

// A small workflow with comments that show what can be written.
std::string ExampleWorkflow(const std::string& name);

// What became of a tools array.
struct StartedWorkflow {
  struct Names {
    std::string tool;                          // in the workflow
    std::map<std::string, std::string> slots;  // argument -> slot
  };
  std::string yaml;                    // empty where something was refused
  std::vector<std::string> notes;      // what is weaker, renamed or taken for something, a line each
  std::vector<std::string> refused;    // what cannot be said or held by a slot, with its path, a line each
  std::map<std::string, Names> names;  // by the name in the tools array
};

// An MCP server whose tools the workflow calls.
struct StarterServer {
  McpServer server;
  std::map<std::string, Json> answers;  // JSON Schemas of what tools return, by the name in the tools array
};

// The workflow of a tools array: entities from schemas (workflow/slot_schema.h), questions from descriptions.
// It passes `sotto check` and can be trained as it is. First user turns of `seeds` whose arguments stand in
// their words become examples. `leave_out`: what was refused is left out, an optional slot alone, of a
// required one the whole tool. `server`: where the tools are; then they act there and tell what came of it.
Result<StartedWorkflow> WorkflowFromTools(const std::string& name, const std::vector<ToolSpec>& tools,
                                          const std::vector<Conversation>& seeds, bool leave_out = false,
                                          const StarterServer* server = nullptr);

// Calls of tools, and arguments, that `tools` does not have: "no tool 'x' (did you mean 'y'?)".
std::vector<std::string> UnknownCalls(const Conversation& conversation, const std::vector<ToolSpec>& tools);

// The words of a request with its values replaced by {slot}: how a seed becomes an example. Empty where a
// value does not stand in the words.
std::string ExampleOf(const std::string& words, const Json& arguments);

// The tools of a JSON text, whoever wrote it: OpenAI, Anthropic, Gemini, MCP; a list or an object with it.
Result<std::vector<ToolSpec>> ReadTools(std::string_view text, std::string_view source);

}  // namespace sotto
