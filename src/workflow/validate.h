// What can be wrong with a workflow that was read: names that lead nowhere, rules, templates, cycles,
// doubles.
#pragma once

#include "workflow/workflow.h"
#include "workflow/yaml_reader.h"

namespace sotto {

// Adds to reader.mistakes.
void ValidateWorkflow(const Workflow& workflow, YamlReader& reader);

}  // namespace sotto
