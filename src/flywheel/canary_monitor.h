// Watches the canary of a workflow in a process that serves it: takes the records of its turns as they are
// written, keeps how calls ended, and acts on what is proven: ends the canary, and promotes or rolls back.
//
//   sessions --Write--> calls that ended --Step (a thread of the host)--> calls.db, evidence --> acts.db
//
// Write: any thread, never blocks, forwards to `next`. Step, StartOver: one thread at a time.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/turn_log.h"
#include "flywheel/canary.h"
#include "flywheel/canary_log.h"
#include "flywheel/registry.h"

namespace sotto {

class CanaryMonitor final : public TurnSink {
 public:
  // `registry` and `next` outlive it; `next` null: records go nowhere else.
  static Result<std::unique_ptr<CanaryMonitor>> Open(VersionRegistry& registry, TurnSink* next);

  Result<void> Write(const TurnRecord& record) override;

  // What runs now, as the registry says: begins to watch a new one, leaves one that ended. `promotes`: acts on
  // proof of gain too; otherwise a person does.
  Result<void> Follow(std::span<const std::string> workflows);
  // Stores what ended and acts on it. What was decided, one line each; empty: nothing.
  Result<std::vector<std::string>> Step();

 private:
  struct Watched {
    std::string workflow;
    Experiment experiment;
    std::unique_ptr<CallWatcher> watcher;  // guarded by mutex_
    std::vector<CanaryCall> ended;         // guarded by mutex_
    std::unique_ptr<Canary> canary;
    bool promotes = true;
  };
  CanaryMonitor(VersionRegistry& registry, std::unique_ptr<CanaryLog> log, TurnSink* next)
      : registry_(registry), log_(std::move(log)), next_(next) {}
  Result<void> Decide(Watched& watched, std::vector<std::string>& said);

  VersionRegistry& registry_;
  const std::unique_ptr<CanaryLog> log_;
  TurnSink* const next_;
  std::mutex mutex_;
  std::map<std::string, Watched, std::less<>> watched_;  // by workflow; guarded by mutex_ against Write
};

// What the log says of an experiment.
Result<Canary> ReadCanary(const CanaryLog& log, const Experiment& experiment);

}  // namespace sotto
