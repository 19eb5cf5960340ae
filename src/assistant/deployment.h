// What sessions share, as one immutable value with a version: the program of the workflow, the brain, whoever
// acts, and, for voice, ears and a mouth. A session keeps the deployment that it began with for as long as it
// lasts; a new version only concerns sessions that begin later, and the old one goes when its last session
// does.
//
//   LiveDeployment live(first);
//   TextSession::Open(live.Current()->Services(clock, journal), ...);             // any thread, at any time
//   VoiceSession::Create(live.Current()->ServicesWithVoice(clock, journal), ...);
//   live.Replace(next);                                                           // nobody waits
//
// Opened from files by assistant/open_deployment.h. Its last owner waits for actions that still run.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "assistant/text_session.h"
#include "assistant/voice_session.h"
#include "brain/brain.h"
#include "core/action.h"
#include "core/release.h"
#include "dialogue/program.h"
#include "route/route_plan.h"
#include "speech/live_recognizer.h"
#include "speech/phrase_cache.h"
#include "workflow/goal_reader.h"

namespace sotto {

class Deployment : public std::enable_shared_from_this<Deployment> {
 public:
  struct Voice {
    std::shared_ptr<LiveRecognizerPool> recognizers;
    std::shared_ptr<PhraseCache> phrases;
    Scheduler* synthesis = nullptr;  // where sentences are synthesised; outlives the deployment
    Scheduler::Strand synthesizer;
    bool wait_for_synthesis = false;
    EndpointOptions endpoint;                                            // as the workflow says
    Json names = nullptr;                                                // VoiceServices::names
    std::shared_ptr<const VoiceActivityModel> voice_activity = nullptr;  // FrontEndOptions::voice_activity
  };
  struct Parts {
    std::shared_ptr<const DialogueProgram> program;
    std::shared_ptr<ActionRunner> actions;
    std::shared_ptr<const Brain> brain;                // null: sessions bring an understander of their own
    std::optional<Voice> voice;                        // none: text only
    std::shared_ptr<const RoutePlan> route = nullptr;  // null: nobody is asked but the brain
    std::shared_ptr<const Brain> shadow = nullptr;     // understands along; null: nobody does
    Release release = {};                              // as the sessions' records say it
    std::shared_ptr<const TurnNetwork> network = nullptr;  // null: the workflow has none
  };

  // kInvalidArgument: the brain is another workflow's than the program.
  static Result<std::shared_ptr<const Deployment>> Create(Parts parts);
  ~Deployment();
  Deployment(const Deployment&) = delete;
  Deployment& operator=(const Deployment&) = delete;

  const Parts& parts() const { return parts_; }
  const Workflow& workflow() const { return parts_.program->workflow(); }
  // The same for the same workflow, model, route, recogniser and voice: 16 hexadecimal digits.
  const std::string& version() const { return version_; }

  // What a session of this deployment needs; the session keeps the deployment.
  SessionServices Services(const Clock& clock, Journal* journal = nullptr, TurnSink* turns = nullptr) const;
  // REQUIRES: there is a voice.
  VoiceServices ServicesWithVoice(const Clock& clock, Journal* journal = nullptr,
                                  TurnSink* turns = nullptr) const;
  // REQUIRES: there is a brain.
  std::unique_ptr<Understander> NewUnderstander(Scheduler& scheduler) const;

 private:
  explicit Deployment(Parts parts);

  const Parts parts_;
  const std::string version_;
  const std::shared_ptr<const GoalReader> goals_;  // null: the workflow has no plans
};

// The deployment that sessions begin with now. Any thread.
class LiveDeployment {
 public:
  explicit LiveDeployment(std::shared_ptr<const Deployment> first = nullptr) : current_(std::move(first)) {}

  std::shared_ptr<const Deployment> Current() const {
    std::lock_guard lock(mutex_);
    return current_;
  }
  // From now on sessions begin with `next`. The one before, which goes where nobody uses it any more: outside
  // of the lock, and not in a session's step.
  std::shared_ptr<const Deployment> Replace(std::shared_ptr<const Deployment> next) {
    std::lock_guard lock(mutex_);
    ++replaced_;
    return std::exchange(current_, std::move(next));
  }
  uint64_t replaced() const {
    std::lock_guard lock(mutex_);
    return replaced_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Deployment> current_;  // guarded by mutex_
  uint64_t replaced_ = 0;                      // guarded by mutex_
};

}  // namespace sotto
