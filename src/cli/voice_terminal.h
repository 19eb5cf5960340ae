// What every subcommand with a voice shares: its flags, and the host of its sessions, opened from them.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "assistant/session_host.h"
#include "cli/action_options.h"
#include "cli/brain_options.h"

namespace sotto {

struct VoiceFlags {
  BrainFlags brain;
  std::string voice;       // of the assistant; empty: the workflow's
  std::string recognizer;  // empty: the workflow's
  std::string synthesizer = "flite";
  std::string database;  // folder of the actions' databases; see OpenRunner
  std::string customer = kDemoCustomer;
  std::string sessions;             // where conversations are kept; empty: nowhere
  std::string session;              // id of the stored one to go on with; empty: new ones
  std::string turns;                // file of turn records; empty: none
  bool keep_personal_data = false;  // in those
  bool no_listening_along = false;
  TodayFlag today;

  // `fresh_data`: see AddDatabaseOption.
  void AddTo(CLI::App& command, bool fresh_data = true);
};

class VoiceTerminal {
 public:
  // `real_time`: see HostOptions. `ready_recognizers`: how many callers never wait for one to start.
  static Result<std::unique_ptr<VoiceTerminal>> Open(const VoiceFlags& flags, bool real_time,
                                                     int ready_recognizers = 1);

  // `clock` outlives the session, and the terminal does.
  Result<std::unique_ptr<VoiceSession>> NewSession(const Clock& clock, VoiceOptions options,
                                                   VoiceSession::Callbacks callbacks);
  // What NewSession() puts together, for who wants parts of it otherwise.
  VoiceServices services(const Clock& clock) const;
  std::unique_ptr<Understander> NewUnderstander() const { return host_->NewUnderstander(deployment()); }
  // Of the next session: an id of its own, the caller of the flags, the endpointing of the workflow.
  VoiceOptions NextOptions() const;
  const Deployment& deployment() const { return *deployment_; }
  const Workflow& workflow() const { return deployment_->workflow(); }
  Scheduler& scheduler() const { return host_->scheduler(); }
  std::string recognizer_name() const { return deployment_->parts().voice->recognizers->name(); }
  std::string synthesizer_name() const { return deployment_->parts().voice->phrases->synthesizer().name(); }
  const StartTimes& start_ms() const { return start_ms_; }

 private:
  VoiceTerminal() = default;

  std::unique_ptr<SessionHost> host_;
  std::shared_ptr<const Deployment> deployment_;
  StartTimes start_ms_;
  std::optional<Date> today_;
  Caller caller_;
  std::string continued_;  // id of a stored session
  bool listen_along_ = true;
};

}  // namespace sotto
