#include "cli/voice_stack.h"

#include <atomic>
#include <thread>

#include "base/unique_id.h"
#include "brain/brain.h"
#include "speech/backends.h"
#include "speech/domain_model.h"

namespace sotto {
namespace {

constexpr uint64_t kDomainTextSeed = 1;

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
  command.add_flag("--no-listening-along", no_listening_along, "Give the brain only final transcripts");
}

struct VoiceStack::Parts {
  std::shared_ptr<const Workflow> workflow;
  std::shared_ptr<const Brain> brain;
  std::shared_ptr<const DialogueProgram> program;
  std::unique_ptr<ActionRunner> actions;
  std::unique_ptr<RecognizerPool> recognizers;
  std::shared_ptr<PhraseCache> phrases;
  std::unique_ptr<SynthesisQueue> synthesis;  // these two run before the rest goes
  std::unique_ptr<SynthesisQueue> acting;
  VoiceOptions options;
  std::optional<Date> today;
  std::string recognizer_name;
  std::string synthesizer_name;
  std::vector<std::pair<std::string, double>> start_ms;
  std::atomic<bool> stopping{false};
  std::jthread warming;  // fills the phrase cache; what is needed before its turn is synthesised at once
  bool in_real_time = true;

  ~Parts() { stopping = true; }
};

VoiceStack::VoiceStack() : parts_(std::make_unique<Parts>()) {}
VoiceStack::~VoiceStack() = default;

Result<std::unique_ptr<VoiceStack>> VoiceStack::Open(const VoiceFlags& flags, bool threads,
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
  parts.warming = std::jthread([&parts, fixed = WarmableSentences(parts.program->FixedParts())] {
    parts.phrases->Warm(fixed, [&] { return !parts.stopping; });
  });
  parts.synthesis = std::make_unique<SynthesisQueue>();
  if (threads) parts.acting = std::make_unique<SynthesisQueue>();
  parts.in_real_time = threads;
  SOTTO_ASSIGN_OR_RETURN(parts.options.endpoint, EndpointOptions::FromPolicy(parts.workflow->policy));
  parts.options.caller = HostCaller(*parts.workflow, flags.customer, parts.options.channel);
  parts.options.listen_along = !flags.no_listening_along;
  return stack;
}

Result<std::unique_ptr<VoiceSession>> VoiceStack::NewSession(const Clock& clock, VoiceOptions options,
                                                             VoiceSession::Callbacks callbacks) {
  VoiceServices services;
  services.program = parts_->program;
  services.recognizers = parts_->recognizers.get();
  services.phrases = parts_->phrases;
  services.synthesis = parts_->synthesis.get();
  services.wait_for_synthesis = !parts_->in_real_time;
  services.actions = parts_->actions.get();
  if (parts_->acting != nullptr) {
    services.run_action = [queue = parts_->acting.get()](std::function<void()> job) {
      queue->Post(std::move(job));
    };
  }
  services.clock = &clock;
  services.today = parts_->today;
  return VoiceSession::Create(std::move(services), MakeBrainUnderstander(parts_->brain), std::move(options),
                              std::move(callbacks));
}

VoiceOptions VoiceStack::NextOptions() const {
  VoiceOptions options = parts_->options;
  options.session_id = UniqueId();
  return options;
}
const Workflow& VoiceStack::workflow() const { return *parts_->workflow; }
const std::string& VoiceStack::recognizer_name() const { return parts_->recognizer_name; }
const std::string& VoiceStack::synthesizer_name() const { return parts_->synthesizer_name; }
const std::vector<std::pair<std::string, double>>& VoiceStack::start_ms() const { return parts_->start_ms; }

}  // namespace sotto
