#include "cli/voice_stack.h"

#include <algorithm>
#include <thread>

#include "assistant/brain_understander.h"
#include "base/unique_id.h"
#include "brain/brain.h"
#include "speech/backends.h"
#include "speech/domain_model.h"

namespace sotto {
namespace {

constexpr uint64_t kDomainTextSeed = 1;

// Actions for calls that do not run in real time: a step waits for them.
class WaitingRunner final : public InlineActionRunner {
 public:
  explicit WaitingRunner(ActionRunner& runner) : runner_(runner) {}
  ToolResult Run(const ActionRequest& request) override { return RunAndWait(runner_, request); }

 private:
  ActionRunner& runner_;
};

}  // namespace

void VoiceFlags::AddTo(CLI::App& command, bool fresh_data) {
  brain.AddTo(command);
  today.AddTo(command);
  command.add_option("--voice", voice, "Sotto's voice; default: the workflow's")->envname("SOTTO_VOICE");
  command
      .add_option(
          "--recognizer", recognizer,
          "pocketsphinx, pocketsphinx:thorough, wyoming://host:port or http(s)://host:port/v1; several "
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

// Declared in the order in which they are needed: what runs goes first, what it uses after it.
struct VoiceStack::Parts {
  std::shared_ptr<const Workflow> workflow;
  std::shared_ptr<const Brain> brain;
  std::shared_ptr<const DialogueProgram> program;
  std::unique_ptr<ActionRunner> actions;
  std::optional<WaitingRunner> waiting_actions;
  std::unique_ptr<RecognizerPool> recognizers;
  std::shared_ptr<PhraseCache> phrases;
  std::unique_ptr<SessionStore> store;
  SystemClock clock;
  FakeClock still;  // a session that does not run in real time misses no deadline
  std::unique_ptr<LiveRecognizerPool> live_recognizers;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Scheduler> synthesis;  // where it is not `scheduler`
  std::unique_ptr<Scheduler> scheduler;
  Scheduler::Strand synthesizer;
  VoiceOptions options;
  std::optional<Date> today;
  std::string continued;  // id of a stored session
  std::string recognizer_name;
  std::string synthesizer_name;
  std::vector<std::pair<std::string, double>> start_ms;

  Scheduler& synthesising() const { return synthesis != nullptr ? *synthesis : *scheduler; }
};

VoiceStack::VoiceStack() : parts_(std::make_unique<Parts>()) {}
VoiceStack::~VoiceStack() = default;

Result<std::unique_ptr<VoiceStack>> VoiceStack::Open(const VoiceFlags& flags, bool real_time,
                                                     int ready_recognizers) {
  std::unique_ptr<VoiceStack> stack(new VoiceStack);
  Parts& parts = *stack->parts_;
  const SystemClock clock;
  TimePoint last = clock.Now();
  const auto lap = [&](const char* what) {
    const TimePoint now = clock.Now();
    parts.start_ms.emplace_back(what, Milliseconds(now - last));
    last = now;
  };
  if (!flags.today.text.empty()) {
    SOTTO_ASSIGN_OR_RETURN(parts.today, flags.today.Day());
  }
  SOTTO_ASSIGN_OR_RETURN(parts.brain, flags.brain.OpenBrain());
  SOTTO_ASSIGN_OR_RETURN(parts.workflow, flags.brain.LoadWorkflowFile());
  lap("model and workflow");
  SOTTO_ASSIGN_OR_RETURN(parts.program, DialogueProgram::Compile(parts.workflow));
  SOTTO_ASSIGN_OR_RETURN(parts.actions, OpenRunner(*parts.workflow, flags.database));
  lap("dialogue and actions");
  SOTTO_ASSIGN_OR_RETURN(const DomainText text, MakeDomainText(*parts.workflow, kDomainTextSeed));
  const std::string& recognizer =
      flags.recognizer.empty() ? parts.workflow->assistant.recognizer : flags.recognizer;
  SOTTO_ASSIGN_OR_RETURN(parts.recognizers, OpenRecognizers(recognizer, text, ready_recognizers));
  parts.recognizer_name = parts.recognizers->name();
  lap("recognizer");
  const std::string voice = flags.voice.empty() ? parts.workflow->assistant.voice : flags.voice;
  SOTTO_ASSIGN_OR_RETURN(const auto synthesizer, OpenSynthesizer(flags.synthesizer, voice));
  parts.synthesizer_name = synthesizer->name();
  parts.phrases = std::make_shared<PhraseCache>(synthesizer, DefaultCacheFolder() / "phrases");
  if (const ReplyTemplate* greeting = parts.program->greeting()) {
    parts.phrases->Warm(WarmableSentences(greeting->FixedParts()));
  }
  lap("voice");
  const int cores = std::max(2, static_cast<int>(std::thread::hardware_concurrency()));
  if (real_time) {
    parts.scheduler = std::make_unique<Scheduler>(parts.clock, SchedulerOptions{.threads = cores});
  } else {
    parts.scheduler = std::make_unique<Scheduler>(parts.still);
    parts.synthesis = std::make_unique<Scheduler>(parts.clock, SchedulerOptions{.threads = cores});
    parts.waiting_actions.emplace(*parts.actions);
  }
  parts.live_recognizers = MakeLiveRecognizers(*parts.recognizers, *parts.scheduler);
  parts.continued = flags.session;
  if (!flags.sessions.empty()) {
    SOTTO_ASSIGN_OR_RETURN(parts.store, SessionStore::Open(flags.sessions));
    parts.journal = std::make_unique<Journal>(*parts.store, *parts.scheduler);
  }
  // What is needed before its turn is synthesised at once.
  parts.synthesizer = parts.synthesising().NewStrand(Scheduler::Order::kUrgency);
  for (std::string& sentence : WarmableSentences(parts.program->FixedParts())) {
    parts.synthesising().Post(
        {.strand = parts.synthesizer, .priority = Priority::kIdle, .blocks = synthesizer->blocks()},
        [phrases = parts.phrases, sentence = std::move(sentence)](std::stop_token) {
          phrases->Warm(std::span(&sentence, 1));
        });
  }
  SOTTO_ASSIGN_OR_RETURN(parts.options.endpoint, EndpointOptions::FromPolicy(parts.workflow->policy));
  parts.options.session.caller = HostCaller(*parts.workflow, flags.customer, parts.options.session.channel);
  parts.options.listen_along = !flags.no_listening_along;
  return stack;
}

VoiceServices VoiceStack::services(const Clock& clock) const {
  VoiceServices services;
  services.program = parts_->program;
  services.actions = parts_->waiting_actions ? &*parts_->waiting_actions : parts_->actions.get();
  services.journal = parts_->journal.get();
  services.clock = &clock;
  services.today = parts_->today;
  services.recognizers = parts_->live_recognizers.get();
  services.phrases = parts_->phrases;
  services.synthesis = &parts_->synthesising();
  services.synthesizer = parts_->synthesizer;
  services.wait_for_synthesis = parts_->synthesis != nullptr;
  return services;
}

std::unique_ptr<Understander> VoiceStack::NewUnderstander() const {
  return MakeBrainUnderstander(parts_->brain, *parts_->scheduler);
}

Result<std::unique_ptr<VoiceSession>> VoiceStack::NewSession(const Clock& clock, VoiceOptions options,
                                                             VoiceSession::Callbacks callbacks) {
  SOTTO_ASSIGN_OR_RETURN(auto session, VoiceSession::Create(services(clock), NewUnderstander(),
                                                            std::move(options), std::move(callbacks)));
  if (!parts_->continued.empty() && !session->resumed()) {
    return MakeError(ErrorCode::kNotFound,
                     "no session '{}' is kept; `sotto chat --list --db FILE` shows those", parts_->continued);
  }
  return session;
}

Scheduler& VoiceStack::scheduler() const { return *parts_->scheduler; }
VoiceOptions VoiceStack::NextOptions() const {
  VoiceOptions options = parts_->options;
  options.session.id = parts_->continued.empty() ? UniqueId() : parts_->continued;
  return options;
}
const Workflow& VoiceStack::workflow() const { return *parts_->workflow; }
const std::string& VoiceStack::recognizer_name() const { return parts_->recognizer_name; }
const std::string& VoiceStack::synthesizer_name() const { return parts_->synthesizer_name; }
const std::vector<std::pair<std::string, double>>& VoiceStack::start_ms() const { return parts_->start_ms; }

}  // namespace sotto
