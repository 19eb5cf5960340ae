// What a server serves where a registry says it: the version that is live, and a canary beside it.
//
//   acts.db --changed--> Watch (a thread of its own, every 100 ms) --> reload: new calls get what is live now
//   sessions --records--> turns() --> CanaryMonitor --> acts.db
//
// Calls under way keep the deployment that they began with. Models that were open stay open, so that a
// rollback opens nothing. A version that cannot be opened changes nothing: what was served goes on.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "assistant/open_deployment.h"
#include "flywheel/canary_monitor.h"
#include "flywheel/registry.h"
#include "server/served_workflow.h"

namespace sotto {

class ServedVersions {
 public:
  // `next`: where turn records go besides; null: nowhere.
  static Result<std::unique_ptr<ServedVersions>> Open(const std::filesystem::path& folder, TurnSink* next);
  ~ServedVersions();

  // The workflow of `sources` as the registry says it is served now. Ears, mouth and actions are opened again
  // unless only the registry changed. Errors: nothing is live, the workflow's file is another one than the
  // version was registered with, the model cannot be opened.
  Result<ServedWorkflow> Serve(DeploymentSources sources, const DeploymentSchedulers& schedulers,
                               const std::function<Caller(const Workflow&)>& caller);
  TurnSink* turns() { return monitor_.get(); }

  // From now on `reload` is called, on a thread of its own, when the registry changed.
  void Watch(std::function<Result<void>()> reload);

 private:
  ServedVersions() = default;
  Result<std::shared_ptr<const Brain>> BrainOf(const std::string& version, const DeploymentSources& sources,
                                               const Workflow& workflow);
  void Look(const std::function<Result<void>()>& reload, int64_t* seen);

  std::unique_ptr<VersionRegistry> registry_;  // Serve's; guarded by mutex_
  std::unique_ptr<VersionRegistry> watched_;   // the watching thread's, and the monitor's
  std::unique_ptr<CanaryMonitor> monitor_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Deployment>> bases_;  // by folder; guarded by mutex_
  std::map<std::string, std::shared_ptr<const Brain>> brains_;  // by folder and version; guarded by mutex_
  std::vector<std::string> workflows_;                          // names; guarded by mutex_
  std::atomic<bool> only_registry_{false};
  std::jthread watch_;
};

}  // namespace sotto
