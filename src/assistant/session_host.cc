#include "assistant/session_host.h"

#include <algorithm>
#include <thread>

#include "assistant/turn_queue.h"
#include "base/check.h"
#include "base/unique_id.h"
#include "privacy/redaction.h"

namespace sotto {
namespace {

// Of a turn for whose meaning somebody far away may be asked.
constexpr std::chrono::milliseconds kBridgeAfter{250};

}  // namespace

// Declared in the order in which they are needed: what runs goes first, what it uses after it.
struct SessionHost::Parts {
  std::unique_ptr<SessionStore> store;
  std::unique_ptr<TurnSink> turn_log;
  std::unique_ptr<RedactingSink> redacting;  // before `turn_log`, where records are redacted
  SystemClock clock;
  FakeClock still;  // a session that does not run in real time misses no deadline
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Scheduler> synthesis;  // where it is not `scheduler`
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<TurnQueue> turns;

  DeploymentSchedulers schedulers() const {
    return {*scheduler, synthesis != nullptr ? *synthesis : *scheduler};
  }
};

SessionHost::SessionHost() : parts_(std::make_unique<Parts>()) {}
SessionHost::~SessionHost() = default;

Result<std::unique_ptr<SessionHost>> SessionHost::Open(const HostOptions& options) {
  std::unique_ptr<SessionHost> host(new SessionHost);
  Parts& parts = *host->parts_;
  const int cores = std::max(2, static_cast<int>(std::thread::hardware_concurrency()));
  const SchedulerOptions computing{.threads = options.threads > 0 ? options.threads : cores};
  if (options.real_time) {
    parts.scheduler = std::make_unique<Scheduler>(parts.clock, computing);
  } else {
    parts.scheduler = std::make_unique<Scheduler>(parts.still);
    parts.synthesis = std::make_unique<Scheduler>(parts.clock, computing);
  }
  if (!options.sessions.empty()) {
    SOTTO_ASSIGN_OR_RETURN(parts.store, SessionStore::Open(options.sessions));
    parts.journal = std::make_unique<Journal>(*parts.store, *parts.scheduler);
  }
  if (!options.turns.empty()) {
    if (options.open_turns) {
      SOTTO_ASSIGN_OR_RETURN(parts.turn_log, options.open_turns(options.turns));
    } else {
      SOTTO_ASSIGN_OR_RETURN(parts.turn_log, TurnLog::Open(options.turns));
    }
    TurnSink* sink = parts.turn_log.get();
    if (options.redact) {
      SOTTO_ASSIGN_OR_RETURN(auto detector, Detector::For("en"));
      parts.redacting = std::make_unique<RedactingSink>(*sink, std::move(detector));
      sink = parts.redacting.get();
    }
    parts.turns = std::make_unique<TurnQueue>(*sink, *parts.scheduler);
  }
  return host;
}

Result<void> SessionHost::Deploy(const DeploymentSources& sources, StartTimes* times) {
  SOTTO_ASSIGN_OR_RETURN(auto next, OpenDeployment(sources, parts_->schedulers(), times));
  live_.Replace(std::move(next));
  return {};
}

VoiceServices SessionHost::ServicesOf(const Deployment& deployment, const Clock& clock) const {
  return deployment.ServicesWithVoice(clock, journal(), turns());
}

std::unique_ptr<Understander> SessionHost::NewUnderstander(const Deployment& deployment) const {
  return deployment.NewUnderstander(*parts_->scheduler);
}

VoiceOptions SessionHost::OptionsOf(const Deployment& deployment, Caller caller) {
  SOTTO_CHECK(deployment.parts().voice.has_value());
  VoiceOptions options;
  options.endpoint = deployment.parts().voice->endpoint;
  options.front_end.voice_activity = deployment.parts().voice->voice_activity;
  options.session.id = UniqueId();
  options.session.channel = caller.channel;
  options.session.caller = std::move(caller);
  // Where somebody far away may be asked, silence would say that the line is dead.
  const auto& route = deployment.parts().route;
  if (route != nullptr && std::any_of(route->steps.begin(), route->steps.end(), [](const PlanStep& step) {
        return step.kind == PlanStep::Kind::kRemote;
      }))
    options.filler_after = kBridgeAfter;
  return options;
}

Result<std::unique_ptr<VoiceSession>> SessionHost::NewVoiceSession(VoiceOptions options,
                                                                   VoiceSession::Callbacks callbacks) {
  return NewVoiceSession(std::move(options), std::move(callbacks), parts_->clock);
}

Result<std::unique_ptr<VoiceSession>> SessionHost::NewVoiceSession(VoiceOptions options,
                                                                   VoiceSession::Callbacks callbacks,
                                                                   const Clock& clock) {
  const std::shared_ptr<const Deployment> mine = deployment();
  SOTTO_CHECK(mine != nullptr);
  return VoiceSession::Create(ServicesOf(*mine, clock), NewUnderstander(*mine), std::move(options),
                              std::move(callbacks));
}

Result<std::unique_ptr<TextSession>> SessionHost::NewTextSession(std::string id, Caller caller) {
  const std::shared_ptr<const Deployment> mine = deployment();
  SOTTO_CHECK(mine != nullptr);
  return TextSession::Open(mine->Services(parts_->clock, journal(), turns()), NewUnderstander(*mine),
                           std::move(id), std::move(caller));
}

Scheduler& SessionHost::scheduler() const { return *parts_->scheduler; }
const Clock& SessionHost::clock() const { return parts_->clock; }
Journal* SessionHost::journal() const { return parts_->journal.get(); }
TurnSink* SessionHost::turns() const { return parts_->turns.get(); }

}  // namespace sotto
