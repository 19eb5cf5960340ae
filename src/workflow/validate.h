// What can be wrong with a workflow that was read: names that lead nowhere, rules, templates, cycles,
// doubles.
#pragma once

#include "workflow/workflow.h"
#include "workflow/yaml_reader.h"

namespace sotto {

// One {field} of a text.
struct TextField {
  std::string name;
  std::string format;     // after the ':', or empty
  bool optional = false;  // inside brackets
};

// The fields of a text; the error says what is unbalanced.
Result<std::vector<TextField>> TextFields(std::string_view text);

// Adds to reader.mistakes.
void ValidateWorkflow(const Workflow& workflow, YamlReader& reader);

}  // namespace sotto
