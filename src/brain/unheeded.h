// What was said for an argument and is no value of it, where the call is silent about it: a dialogue that did without would
// act on something else than what was asked.
//
//   "pay geico 120 with my visa"                from_account takes checking and savings: not_a_value
//   "my checking statement for march"           period lists last month, last three months, last year: not_listed
//   "turn roaming on for brazil and france"     region lists Europe, North America, Asia: not_listed
//   "change my plan to basic or standard"       either
//   "pay half my bill"                          an amount that may be left out, and none exactly: ambiguous
//
// Found in the words alone, after the model has answered; what the call has is believed. Pure; any thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "brain/grounding.h"
#include "brain/said_dates.h"
#include "core/understanding.h"
#include "workflow/workflow.h"

namespace sotto {

// Of `utterance`, whose words `grounding` has, for `call` to `tool`, whose arguments as offered are `offered`. An argument
// that is named here and stands in the call is to be taken out of it.
std::vector<UnfitValue> UnheededValues(const Workflow& workflow, const ToolDef& tool,
                                       const OfferedTool& offered, std::string_view utterance,
                                       const Grounding& grounding, Channel channel, const CallDay& day,
                                       const ToolCall& call);

}  // namespace sotto
