// What people can say to a workflow, for a page that has to begin somewhere: of each task one of the file's own
// examples, the one that says most, with values filled in. Pure.
#pragma once

#include <string>
#include <vector>

#include "workflow/workflow.h"

namespace sotto {

// In the order of the tools; at most one each, at most 80 bytes long.
std::vector<std::string> ExampleSentences(const Workflow& workflow);

}  // namespace sotto
