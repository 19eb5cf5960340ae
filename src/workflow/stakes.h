// What a tool puts at stake when it acts, and so whether it is read back first. Known from its action (a
// SELECT, a GET only reads), its `effect:`, its slots (money, digits that identify something) and the verbs
// of its name, which are a language's data (acts.txt).
#pragma once

#include <string_view>

#include "workflow/workflow.h"

namespace sotto {

enum class Stakes {
  kNone,         // only talks, or only reads
  kLittle,       // acts, but nothing that one would regret
  kMoney,        //
  kAccess,       // cards, lines, accounts, keys
  kCommitments,  // bookings, orders, reports, messages
};
std::string_view StakesName(Stakes stakes);  // "money"

Stakes StakesOf(const Workflow& workflow, const ToolDef& tool);

// Whether the tool acts on the world, however little.
inline bool Acts(const Workflow& workflow, const ToolDef& tool) {
  return StakesOf(workflow, tool) != Stakes::kNone;
}

// Whether the tool is read back and waits for a yes before it acts: by the policy; by default where it has a
// `confirm` text, and where it has none but something at stake, unless it says `confirm: never`.
bool ReadsBack(const Workflow& workflow, const ToolDef& tool);

}  // namespace sotto
