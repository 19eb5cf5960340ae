// sotto eval --conversations: callers with goals (docs/formats/callers.md) talk to the whole assistant.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "cli/brain_options.h"

namespace sotto {

struct ConversationFlags {
  size_t limit = 0;  // only the first callers; 0: all
  size_t show = 20;  // calls to print of those that did not reach their goal
  bool json = false;
};

Result<void> EvalConversations(const BrainFlags& brain, const std::vector<std::string>& files,
                               const ConversationFlags& flags);

}  // namespace sotto
