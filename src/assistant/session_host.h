// What the sessions of one process run on: a clock, one scheduler, the journal, and the deployment that the
// next session begins with. A terminal has one, a server has one.
//
//   SOTTO_ASSIGN_OR_RETURN(auto host, SessionHost::Open({.sessions = "sessions.db"}));
//   SOTTO_RETURN_IF_ERROR(host->Deploy({.workflow = "workflows/banking"}));   // again at any time: a reload
//   SOTTO_ASSIGN_OR_RETURN(auto call, host->NewVoiceSession(options, callbacks));
//   SOTTO_ASSIGN_OR_RETURN(auto chat, host->NewTextSession(UniqueId(), caller));
//
// The host outlives its sessions. Any thread, but each session on one at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "assistant/open_deployment.h"

namespace sotto {

struct HostOptions {
  // False: steps wait for what they need, and with a clock that stands still the same audio gives the same
  // call.
  bool real_time = true;
  int threads = 0;            // that compute; 0: one a core, two at least
  std::string sessions = {};  // file that conversations are kept in, to be continued; empty: nowhere
  std::string turns = {};     // file that turn records are appended to; empty: nowhere
  bool redact = true;         // placeholders stand for personal data in them (privacy/redaction.h)
  // Opens `turns`; without it the file is a log of one record a line (core/turn_log.h).
  std::function<Result<std::unique_ptr<TurnSink>>(const std::string& path)> open_turns = {};
};

class SessionHost {
 public:
  // The error names the file.
  static Result<std::unique_ptr<SessionHost>> Open(const HostOptions& options);
  ~SessionHost();
  SessionHost(const SessionHost&) = delete;
  SessionHost& operator=(const SessionHost&) = delete;

  // Opens what sessions begin with from now on; where that fails, they begin as before.
  Result<void> Deploy(const DeploymentSources& sources, StartTimes* times = nullptr);
  // Null before the first Deploy.
  std::shared_ptr<const Deployment> deployment() const { return live_.Current(); }

  // REQUIRES, all that follow: deployed; with voice, where the session has one. Errors: as those of
  // VoiceSession::Create and TextSession::Open. May take as long as a recognizer takes to start, and a
  // journal to be read. `clock` outlives the session.
  Result<std::unique_ptr<VoiceSession>> NewVoiceSession(VoiceOptions options,
                                                        VoiceSession::Callbacks callbacks);
  Result<std::unique_ptr<VoiceSession>> NewVoiceSession(VoiceOptions options,
                                                        VoiceSession::Callbacks callbacks,
                                                        const Clock& clock);
  // Waits for every turn on the thread that calls.
  Result<std::unique_ptr<TextSession>> NewTextSession(std::string id, Caller caller);

  // What these put together, for who wants parts of it otherwise. A session is of one deployment: take these
  // three from the same.
  VoiceServices ServicesOf(const Deployment& deployment, const Clock& clock) const;
  std::unique_ptr<Understander> NewUnderstander(const Deployment& deployment) const;
  // For `caller`: an id of its own, the endpointing of the workflow.
  static VoiceOptions OptionsOf(const Deployment& deployment, Caller caller);

  Scheduler& scheduler() const;
  const Clock& clock() const;
  Journal* journal() const;  // null: nothing is kept
  TurnSink* turns() const;   // never blocks; null: nowhere

 private:
  SessionHost();
  struct Parts;
  const std::unique_ptr<Parts> parts_;
  LiveDeployment live_;
};

}  // namespace sotto
