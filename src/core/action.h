// The seam between the dialogue, which decides what is to be done, and whoever does it.
#pragma once

#include <functional>
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

// Does one action: its result, a typed failure, or `timeout` at its deadline. Failures of the machinery use
// the codes timeout, unavailable, busy, unknown_action, invalid_arguments, cancelled, failed. Any thread.
class ActionRunner {
 public:
  using Done = std::function<void(ToolResult)>;

  virtual ~ActionRunner() = default;
  // Never blocks, never throws. `done` is called exactly once, on any thread, possibly before Start returns;
  // it must not block either.
  virtual void Start(ActionRequest request, Done done) = 0;
};

// A runner that answers before Start returns: what scripts, self-play and tests are made of.
class InlineActionRunner : public ActionRunner {
 public:
  void Start(ActionRequest request, Done done) final { done(Run(request)); }
  virtual ToolResult Run(const ActionRequest& request) = 0;
};

// Starts and waits: for text sessions on a thread of their own, tools and tests. Never for a step of a voice
// session.
ToolResult RunAndWait(ActionRunner& runner, ActionRequest request);

}  // namespace sotto
