// Reads the `screen:` section of a workflow. Internal to the workflow layer; workflow/parse.h is the way in.
#pragma once

#include "workflow/workflow.h"
#include "workflow/yaml_reader.h"

namespace sotto {

// REQUIRES: the workflow's tools and plans have been read.
void ReadScreenUse(const YAML::Node& node, Workflow& workflow, YamlReader& reader);

}  // namespace sotto
