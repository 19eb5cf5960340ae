// Reads the `plan:` section of a workflow and checks it: unknown references, cycles, types, what could not be read back.
// Internal to the workflow layer; workflow/parse.h is the way in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "workflow/workflow.h"
#include "workflow/yaml_reader.h"

namespace sotto {

// Reads what a node has of a tool; `keys`: the keys that it may have. None where it is no map.
using ReadPlanTool =
    std::function<std::optional<ToolDef>(const std::string& path, const std::string& name,
                                         const YAML::Node& node, const std::vector<std::string>& keys)>;

// REQUIRES: the workflow's tools and entities have been read.
void ReadPlans(const YAML::Node& node, Workflow& workflow, YamlReader& reader, const ReadPlanTool& read_tool);

}  // namespace sotto
