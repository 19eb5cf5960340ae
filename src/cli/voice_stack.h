// What every subcommand with a voice shares: its flags, and the services that voice sessions need, opened
// from them.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "assistant/voice_session.h"
#include "cli/brain_options.h"
#include "cli/open_actions.h"

namespace sotto {

struct VoiceFlags {
  BrainFlags brain;
  std::string voice;       // of the assistant; empty: the workflow's
  std::string recognizer;  // empty: the workflow's
  std::string synthesizer = "flite";
  std::string database;  // folder of the actions' databases; see OpenRunner
  std::string customer = kDemoCustomer;
  std::string sessions;  // where conversations are kept; empty: nowhere
  std::string session;   // id of the stored one to go on with; empty: new ones
  bool no_listening_along = false;
  TodayFlag today;

  // `fresh_data`: see AddDatabaseOption.
  void AddTo(CLI::App& command, bool fresh_data = true);
};

class VoiceStack {
 public:
  // `real_time`: everything runs beside the sessions, on few threads; otherwise steps wait for it, and with a
  // clock that stands still the same audio gives the same call.
  // `ready_recognizers`: how many callers never wait for a recognizer to start.
  static Result<std::unique_ptr<VoiceStack>> Open(const VoiceFlags& flags, bool real_time,
                                                  int ready_recognizers = 1);
  ~VoiceStack();
  VoiceStack(const VoiceStack&) = delete;
  VoiceStack& operator=(const VoiceStack&) = delete;

  // `clock` outlives the session, and the stack does.
  Result<std::unique_ptr<VoiceSession>> NewSession(const Clock& clock, VoiceOptions options,
                                                   VoiceSession::Callbacks callbacks);
  // What NewSession() puts together, for who wants parts of it otherwise.
  VoiceServices services(const Clock& clock) const;
  std::unique_ptr<Understander> NewUnderstander() const;
  Scheduler& scheduler() const;
  // Of the next session: an id of its own, the caller of the flags, the endpointing of the workflow.
  VoiceOptions NextOptions() const;
  const Workflow& workflow() const;
  const std::string& recognizer_name() const;
  const std::string& synthesizer_name() const;
  // How long each part took to open, in order: for --verbose and the demo.
  const std::vector<std::pair<std::string, double>>& start_ms() const;

 private:
  VoiceStack();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sotto
