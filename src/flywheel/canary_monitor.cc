#include "flywheel/canary_monitor.h"

#include "base/log.h"

namespace sotto {
namespace {

// A call is over when so many records of others came since its last one.
constexpr uint64_t kSilentAfter = 2000;

}  // namespace

Result<Canary> ReadCanary(const CanaryLog& log, const Experiment& experiment) {
  SOTTO_ASSIGN_OR_RETURN(const CanaryOptions options, CanaryOptions::FromJson(experiment.options));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<CanaryCall> calls, log.Read(experiment.name));
  Canary canary(experiment.share, options);
  for (const CanaryCall& call : calls) canary.Add(call);
  return canary;
}

Result<std::unique_ptr<CanaryMonitor>> CanaryMonitor::Open(VersionRegistry& registry, TurnSink* next) {
  SOTTO_ASSIGN_OR_RETURN(auto log, CanaryLog::Open(registry.folder()));
  return std::unique_ptr<CanaryMonitor>(new CanaryMonitor(registry, std::move(log), next));
}

Result<void> CanaryMonitor::Write(const TurnRecord& record) {
  if (!record.release.experiment.empty()) {
    const std::lock_guard lock(mutex_);
    const auto found = watched_.find(record.workflow);
    if (found != watched_.end() && found->second.experiment.name == record.release.experiment) {
      Watched& watched = found->second;
      if (auto call = watched.watcher->Take(record, watched.experiment.name))
        watched.ended.push_back(*std::move(call));
    }
  }
  return next_ != nullptr ? next_->Write(record) : Result<void>{};
}

Result<void> CanaryMonitor::Follow(std::span<const std::string> workflows) {
  for (const std::string& workflow : workflows) {
    SOTTO_ASSIGN_OR_RETURN(const LiveState live, registry_.Live(workflow));
    const auto found = watched_.find(workflow);
    if (found != watched_.end() && live.canary && found->second.experiment == *live.canary) continue;
    Watched fresh;
    if (live.canary && !live.canary->shadow) {
      SOTTO_ASSIGN_OR_RETURN(const CanaryOptions options, CanaryOptions::FromJson(live.canary->options));
      SOTTO_ASSIGN_OR_RETURN(Canary canary, ReadCanary(*log_, *live.canary));
      fresh.workflow = workflow;
      fresh.experiment = *live.canary;
      fresh.watcher = std::make_unique<CallWatcher>(options);
      fresh.canary = std::make_unique<Canary>(std::move(canary));
      fresh.promotes = live.canary->options.value("promotes", true);
    }
    const std::lock_guard lock(mutex_);
    watched_.erase(workflow);
    if (fresh.canary != nullptr) watched_.emplace(workflow, std::move(fresh));
  }
  return {};
}

Result<std::vector<std::string>> CanaryMonitor::Step() {
  std::vector<std::string> said;
  for (auto& [workflow, watched] : watched_) {
    std::vector<CanaryCall> ended;
    {
      const std::lock_guard lock(mutex_);
      ended.swap(watched.ended);
      for (CanaryCall& call : watched.watcher->TakeSilent(kSilentAfter)) ended.push_back(std::move(call));
    }
    if (ended.empty()) continue;
    SOTTO_RETURN_IF_ERROR(
        log_->Append(watched.experiment.name, UtcStampMs(std::chrono::system_clock::now()), ended));
    for (const CanaryCall& call : ended) watched.canary->Add(call);
    SOTTO_RETURN_IF_ERROR(Decide(watched, said));
  }
  return said;
}

Result<void> CanaryMonitor::Decide(Watched& watched, std::vector<std::string>& said) {
  const Canary::Judgement judged = watched.canary->Judge();
  if (judged.decision == CanaryDecision::kHold) return {};
  if (judged.decision == CanaryDecision::kPromote && !watched.promotes) return {};
  SOTTO_ASSIGN_OR_RETURN(const Act ended, registry_.EndCanary(watched.workflow, watched.experiment.name,
                                                              DecisionName(judged.decision), kMachine,
                                                              judged.reason, watched.canary->Figures()));
  if (judged.decision == CanaryDecision::kPromote) {
    SOTTO_RETURN_IF_ERROR(registry_.Promote(watched.workflow, watched.experiment.candidate, kMachine,
                                            judged.reason, ended.seq));
  }
  said.push_back(fmt::format("canary '{}' of {}: {}: {}", watched.experiment.name, watched.workflow,
                             DecisionName(judged.decision), judged.reason));
  return {};
}

}  // namespace sotto
