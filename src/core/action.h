// The seam between the dialogue, which decides what is to be done, and whoever does it.
#pragma once

#include <string>

#include "core/tool.h"

namespace sotto {

struct ActionRequest {
  std::string tool;    // the task: "transfer_money"
  std::string action;  // the workflow's action.use: "bank.transfer"
  Json arguments = Json::object();
  // The same for every try of the same task with the same arguments, in one session: whoever acts does it
  // once.
  std::string idempotency_key;
  Json options = Json::object();  // the other keys of the workflow's action section
};

// Runs one action to its end, a typed failure or its deadline; never throws. Failures of the machinery use
// the codes timeout, unavailable, unknown_action, invalid_arguments.
class ActionRunner {
 public:
  virtual ~ActionRunner() = default;
  virtual ToolResult Run(const ActionRequest& request) = 0;
};

}  // namespace sotto
