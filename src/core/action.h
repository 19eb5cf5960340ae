// The seam between the dialogue, which decides what is to be done, and whoever does it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/caller.h"
#include "core/tool.h"

namespace sotto {

struct ActionRequest {
  std::string tool;    // the task: "transfer_money"
  std::string action;  // the workflow's action.use: "bank.transfer"
  Json arguments = Json::object();
  // Whoever acts does the same key once, and answers the same again.
  std::string idempotency_key;
  Json options = Json::object();  // the other keys of the workflow's action section
  Caller caller;                  // for whom; never from `arguments`
  std::string session;
  std::vector<std::string> words =
      {};  // the caller's last turns, the newest last: what a question to documents is made of
};

// The key of one try of one task: the same after a crash and a resumption, and no other's. `task` counts
// within the session, `attempt` within the task, both from 1. Two sessions never share a key as long as their
// ids differ (base/unique_id.h). Of visible ASCII, so that it can travel in a header.
std::string IdempotencyKey(const Caller& caller, std::string_view session, int task, int attempt);

// A failure of whoever looks at an action before it is done (assistant/screening_runner.h); data: {score, reasons}.
inline constexpr std::string_view kStepUpFailure = "step_up";  // not before the caller is verified once more
inline constexpr std::string_view kHeldFailure = "held";       // a person decides

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
