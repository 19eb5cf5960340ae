// sotto eval --probes: single sentences at known places (docs/formats/probes.md), against the whole assistant.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "cli/brain_options.h"
#include "cli/eval_conversations.h"

namespace sotto {

Result<void> EvalProbes(const BrainFlags& brain, const std::vector<std::string>& files,
                        const ConversationFlags& flags);

}  // namespace sotto
