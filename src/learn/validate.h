// The checks that every labelled turn passes before a model learns from it: the same schema and grounding
// rules that the decoder is bound by. A call must name a tool of the workflow (or a control tool) with
// arguments of that tool, and every grounded value must be readable from what was said in the conversation so
// far.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/conversation.h"
#include "workflow/workflow.h"

namespace sotto {

// Whether the values of `turn`'s calls were said in it or in `history`, on that day.
bool IsGrounded(const Workflow& workflow, const Conversation& history, const Turn& turn);

// The first wrong turn of a conversation: "turn 3: ...".
std::optional<std::string> WhyInvalid(const Workflow& workflow, const Conversation& conversation);

}  // namespace sotto
