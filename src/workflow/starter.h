// Writes the first workflow.yaml of a new assistant: a small example, or a complete one made from an OpenAI
// `tools` array.
#pragma once

#include <string>
#include <vector>

#include "core/conversation.h"
#include "workflow/workflow.h"

namespace sotto {

// A small workflow with comments that show what can be written.
std::string ExampleWorkflow(const std::string& name);

// The workflow of a tools array: entities from enums, patterns and descriptions, questions from descriptions.
// It passes `sotto check` and can be trained as it is. First user turns of `seeds` whose arguments stand in
// their words become examples. The error names the tool that cannot be written down.
Result<std::string> WorkflowFromTools(const std::string& name, const std::vector<ToolSpec>& tools,
                                      const std::vector<Conversation>& seeds);

// The words of a request with its values replaced by {slot}: how a seed becomes an example. Empty where a
// value does not stand in the words.
std::string ExampleOf(const std::string& words, const Json& arguments);

// The tools of a JSON text: an array in the OpenAI form, or an object with the key "tools".
Result<std::vector<ToolSpec>> ReadTools(std::string_view text, std::string_view source);

}  // namespace sotto
