#include "cli/served_versions.h"

#include <algorithm>

#include "base/log.h"
#include "brain/brain.h"
#include "slm/model.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

constexpr std::chrono::milliseconds kLookEvery{100};

}  // namespace

Result<std::unique_ptr<ServedVersions>> ServedVersions::Open(const std::filesystem::path& folder,
                                                             TurnSink* next) {
  std::unique_ptr<ServedVersions> served(new ServedVersions);
  SOTTO_ASSIGN_OR_RETURN(served->registry_, VersionRegistry::Open(folder, VersionRegistry::Mode::kOpen));
  SOTTO_ASSIGN_OR_RETURN(served->watched_, VersionRegistry::Open(folder, VersionRegistry::Mode::kOpen));
  SOTTO_ASSIGN_OR_RETURN(served->monitor_, CanaryMonitor::Open(*served->watched_, next));
  return served;
}

ServedVersions::~ServedVersions() = default;

Result<std::shared_ptr<const Brain>> ServedVersions::BrainOf(const std::string& version,
                                                             const DeploymentSources& sources,
                                                             const Workflow& workflow) {
  std::shared_ptr<const Brain>& brain = brains_[sources.workflow.string() + "\n" + version];
  if (brain != nullptr && brain->workflow().hash == workflow.hash) return brain;
  SOTTO_ASSIGN_OR_RETURN(const auto found, registry_->Find(version));
  const VersionFacts& facts = found.second;
  if (facts.workflow_hash != workflow.hash) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "version {} was registered with another workflow.yaml of {} ({}, now {}): `sotto "
                     "flywheel register` and promote "
                     "what is there now",
                     version, workflow.folder.string(), facts.workflow_hash, workflow.hash);
  }
  SOTTO_ASSIGN_OR_RETURN(auto loaded, LoadWorkflow(sources.workflow));
  SOTTO_ASSIGN_OR_RETURN(
      auto opened,
      Brain::Open(std::move(loaded), registry_->FolderOf(version) / "model.gguf", sources.brain));
  if (opened->model().id() != facts.model)
    return MakeError(ErrorCode::kCorrupt, "{}: model {} was registered, this is {}", opened->model().path(),
                     facts.model, opened->model().id());
  brain = std::move(opened);
  return brain;
}

Result<ServedWorkflow> ServedVersions::Serve(DeploymentSources sources,
                                             const DeploymentSchedulers& schedulers,
                                             const std::function<Caller(const Workflow&)>& caller) {
  const std::lock_guard lock(mutex_);
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Workflow> workflow, LoadWorkflow(sources.workflow));
  SOTTO_ASSIGN_OR_RETURN(const LiveState live, registry_->Live(workflow->name));
  if (live.version.empty()) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "{}: nothing of workflow {} is live; `sotto flywheel register --workflow {}` and `promote`",
        registry_->folder().string(), workflow->name, sources.workflow.string());
  }
  std::shared_ptr<const Deployment>& base = bases_[sources.workflow.string()];
  if (base == nullptr || !only_registry_ || base->workflow().hash != workflow->hash) {
    sources.model = registry_->FolderOf(live.version) / "model.gguf";
    SOTTO_ASSIGN_OR_RETURN(base, OpenDeployment(sources, schedulers));
  }
  if (std::find(workflows_.begin(), workflows_.end(), workflow->name) == workflows_.end())
    workflows_.push_back(workflow->name);
  SOTTO_ASSIGN_OR_RETURN(const auto champion, BrainOf(live.version, sources, *workflow));
  std::shared_ptr<const Brain> candidate;
  if (live.canary) {
    auto opened = BrainOf(live.canary->candidate, sources, *workflow);
    if (opened) {
      candidate = *std::move(opened);
    } else {  // nobody gets it
      Log().error("canary '{}': {}", live.canary->name, opened.error().message);
      SOTTO_RETURN_IF_ERROR(registry_->EndCanary(workflow->name, live.canary->name, "roll_back", kMachine,
                                                 opened.error().message, Json::object()));
    }
  }
  Release release{live.version, "", ""};
  const bool shared = candidate != nullptr && !live.canary->shadow;
  if (candidate != nullptr) release.experiment = live.canary->name;
  if (shared) release.arm = "champion";
  ServedWorkflow served;
  served.name = workflow->name;
  SOTTO_ASSIGN_OR_RETURN(served.deployment,
                         WithBrain(*base, champion, candidate != nullptr && !shared ? candidate : nullptr,
                                   sources.route, release));
  served.caller = caller(*workflow);
  if (!shared) return served;
  auto other = std::make_shared<ServedWorkflow>();
  other->name = served.name;
  other->caller = served.caller;
  release.version = live.canary->candidate;
  release.arm = "candidate";
  SOTTO_ASSIGN_OR_RETURN(other->deployment, WithBrain(*base, candidate, nullptr, sources.route, release));
  served.arm = [other, name = live.canary->name, share = live.canary->share](
                   const Caller& who, std::string_view session) -> ServedWorkflowPtr {
    return CallerPoint(CallerKey(who, session), name) < share ? other : nullptr;
  };
  return served;
}

void ServedVersions::Look(const std::function<Result<void>()>& reload, int64_t* seen) {
  const auto report = [](const char* what, const Error& error) {
    Log().error("{}: {}", what, error.message);
  };
  auto decided = monitor_->Step();
  if (!decided) {
    report("canary", decided.error());
  } else {
    for (const std::string& line : *decided) Log().warn("{}", line);
  }
  const auto last = watched_->LastSeq();
  if (!last) return report("registry", last.error());
  if (*last == *seen) return;
  *seen = *last;
  only_registry_ = true;
  if (const auto done = reload(); !done) report("not reloaded, what was served goes on", done.error());
  only_registry_ = false;
  std::vector<std::string> workflows;
  {
    const std::lock_guard lock(mutex_);
    workflows = workflows_;
  }
  if (const auto followed = monitor_->Follow(workflows); !followed) report("canary", followed.error());
}

void ServedVersions::Watch(std::function<Result<void>()> reload) {
  watch_ = std::jthread([this, reload = std::move(reload)](std::stop_token stop) {
    int64_t seen = -1;  // the first look takes up what runs
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      Look(reload, &seen);
      wake.wait_for(lock, stop, kLookEvery, [] { return false; });
    }
  });
}

}  // namespace sotto
