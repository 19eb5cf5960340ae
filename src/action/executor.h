// Runs actions with a deadline and retries, on a thread of its own, so that a slow backend never holds up a
// conversation for longer than the workflow says.
//
// Options of a workflow's action section: `timeout_ms` (default 5000) for all tries together, `retries`
// (default 2) after `unavailable`, with doubling pauses. A try that outlives the deadline goes on to its end
// in the background: its idempotency key makes sure that asking again does not do it twice.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "action/registry.h"
#include "base/clock.h"
#include "core/action.h"

namespace sotto {

// Run may be called from any thread; actions run one after the other. The destructor waits for a running
// action.
class ActionExecutor final : public InlineActionRunner {
 public:
  explicit ActionExecutor(ActionRegistry registry);
  ~ActionExecutor() override;

  ToolResult Run(const ActionRequest& request) override;

 private:
  struct Job;

  void Work();
  ToolResult RunWithRetries(const ActionRequest& request, TimePoint deadline);

  const ActionRegistry registry_;
  const SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> jobs_;  // guarded by mutex_
  bool stopping_ = false;                  // guarded by mutex_
  std::thread worker_;
};

}  // namespace sotto
