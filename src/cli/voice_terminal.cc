#include "cli/voice_terminal.h"

#include "cli/turn_sink.h"

namespace sotto {

void VoiceFlags::AddTo(CLI::App& command, bool fresh_data) {
  brain.AddTo(command);
  today.AddTo(command);
  command.add_option("--voice", voice, "Sotto's voice; default: the workflow's")->envname("SOTTO_VOICE");
  command
      .add_option(
          "--recognizer", recognizer,
          "moonshine[:base], pocketsphinx[:thorough], wyoming://host:port or http(s)://host:port/v1; several "
          "by commas: the next is the fallback. Default: the workflow's")
      ->envname("SOTTO_RECOGNIZER");
  command
      .add_option(
          "--synthesizer", synthesizer,
          "flite[:voice], espeak[:voice], wyoming://host:port or http(s)://host:port/v1; several by commas")
      ->envname("SOTTO_SYNTHESIZER")
      ->capture_default_str();
  AddDatabaseOption(command, database, fresh_data);
  AddCustomerOption(command, customer);
  command.add_option("--db", sessions, "Where conversations are kept, to be continued; default: nowhere");
  command.add_flag("--no-listening-along", no_listening_along, "Give the brain only final transcripts");
}

Result<std::unique_ptr<VoiceTerminal>> VoiceTerminal::Open(const VoiceFlags& flags, bool real_time,
                                                           int ready_recognizers) {
  std::unique_ptr<VoiceTerminal> terminal(new VoiceTerminal);
  if (!flags.today.text.empty()) {
    SOTTO_ASSIGN_OR_RETURN(terminal->today_, flags.today.Day());
  }
  HostOptions options;
  options.real_time = real_time;
  options.sessions = flags.sessions;
  options.turns = flags.turns;
  options.redact = !flags.keep_personal_data;
  options.open_turns = OpenTurns;
  SOTTO_ASSIGN_OR_RETURN(terminal->host_, SessionHost::Open(options));
  DeploymentSources sources;
  sources.workflow = flags.brain.workflow;
  sources.model = flags.brain.model;
  sources.brain = flags.brain.Options();
  sources.databases = flags.database;
  sources.recognizer = flags.recognizer;
  sources.synthesizer = flags.synthesizer;
  sources.voice = flags.voice;
  sources.ready_recognizers = ready_recognizers;
  SOTTO_RETURN_IF_ERROR(terminal->host_->Deploy(sources, &terminal->start_ms_));
  terminal->deployment_ = terminal->host_->deployment();
  terminal->caller_ = TerminalCaller(terminal->workflow(), flags.customer, "voice");
  terminal->continued_ = flags.session;
  terminal->listen_along_ = !flags.no_listening_along;
  return terminal;
}

VoiceServices VoiceTerminal::services(const Clock& clock) const {
  VoiceServices services = host_->ServicesOf(deployment(), clock);
  services.today = today_;
  return services;
}

Result<std::unique_ptr<VoiceSession>> VoiceTerminal::NewSession(const Clock& clock, VoiceOptions options,
                                                                VoiceSession::Callbacks callbacks) {
  SOTTO_ASSIGN_OR_RETURN(auto session, VoiceSession::Create(services(clock), NewUnderstander(),
                                                            std::move(options), std::move(callbacks)));
  if (!continued_.empty() && !session->resumed()) {
    return MakeError(ErrorCode::kNotFound,
                     "no session '{}' is kept; `sotto chat --list --db FILE` shows those", continued_);
  }
  return session;
}

VoiceOptions VoiceTerminal::NextOptions() const {
  VoiceOptions options = SessionHost::OptionsOf(deployment(), caller_);
  if (!continued_.empty()) options.session.id = continued_;
  options.listen_along = listen_along_;
  return options;
}

}  // namespace sotto
