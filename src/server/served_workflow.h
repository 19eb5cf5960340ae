// One workflow as the server offers it: a deployment under a name. Sessions keep the one that they began with;
// a reload replaces what later ones get. Whoever opens workflows (the command line) fills it in. Immutable.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "assistant/deployment.h"

namespace sotto {

struct ServedWorkflow {
  std::string name;  // of the workflow: what requests call it
  std::shared_ptr<const Deployment> deployment;
  Caller caller;  // who calls, where the request does not say and may not
  // Where versions are compared: which of them this caller talks to, from the beginning of the session to its
  // end. Null: there is this one only. Any thread.
  std::function<std::shared_ptr<const ServedWorkflow>(const Caller& caller, std::string_view session)> arm =
      nullptr;

  bool speaks() const { return deployment->parts().voice.has_value(); }
};
using ServedWorkflowPtr = std::shared_ptr<const ServedWorkflow>;

// The one that a session of `caller` begins with.
inline ServedWorkflowPtr ArmOf(ServedWorkflowPtr workflow, const Caller& caller, std::string_view session) {
  ServedWorkflowPtr arm = workflow->arm ? workflow->arm(caller, session) : nullptr;
  return arm != nullptr ? arm : workflow;
}

// Those that are served now, in the order they were given. Any thread.
class ServedWorkflows {
 public:
  // Opens each of them again, as it is on the disk now. Blocks.
  using Open = std::function<Result<std::vector<ServedWorkflowPtr>>()>;

  // The error: none, two of one name, or what opening them says.
  static Result<std::unique_ptr<ServedWorkflows>> Create(Open open);

  // By name; empty: the first. Null: there is none.
  ServedWorkflowPtr Find(std::string_view name) const;
  std::vector<ServedWorkflowPtr> All() const;
  // All that work, or, where one does not, none. Sessions go on with what they have.
  Result<void> Reload();

 private:
  explicit ServedWorkflows(Open open) : open_(std::move(open)) {}

  const Open open_;
  mutable std::mutex mutex_;
  std::vector<ServedWorkflowPtr> workflows_;  // guarded by mutex_
};

}  // namespace sotto
