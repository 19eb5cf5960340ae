// Several payments of one breath: "pay gas 20, water 30 and electric 40", "45 to netflix, 60 to geico", "the gas and water
// bills, 50 each". Figures and names that take turns belong together in their order; a model of some million parameters
// loses its place in such a list. Pure; any thread.
#pragma once

#include <vector>

#include "brain/grounding.h"
#include "brain/offered_tool.h"
#include "workflow/workflow.h"

namespace sotto {

// One call a pair, with the other arguments of `like`, in the order of the words; empty where `tool` has not exactly one
// required figure and one required name, or where the words are no such list of two to eight.
std::vector<ToolCall> PairedCalls(const LanguageData& language, const ToolDef& tool,
                                  const OfferedTool& offered, const Grounding& grounding,
                                  const ToolCall& like);

}  // namespace sotto
