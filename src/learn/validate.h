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

// What is wrong with the calls of `turn` after `history`; nothing where they are right.
std::optional<std::string> WhyInvalid(const Workflow& workflow, std::span<const Turn> history,
                                      const Turn& turn);

// Only the grounding part.
bool IsGrounded(const Workflow& workflow, std::span<const Turn> history, const Turn& turn);

// The first wrong turn of a conversation: "turn 3: ...".
std::optional<std::string> WhyInvalid(const Workflow& workflow, const Conversation& conversation);

}  // namespace sotto
