#include "assistant/open_deployment.h"

#include "action/actions.h"
#include "assistant/screening_runner.h"
#include "speech/backends.h"
#include "speech/domain_model.h"
#include "speech/hearing_model.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

constexpr uint64_t kDomainTextSeed = 1;

// Actions for sessions that do not run in real time: a step waits for them.
class WaitingRunner final : public InlineActionRunner {
 public:
  explicit WaitingRunner(std::shared_ptr<ActionRunner> runner) : runner_(std::move(runner)) {}
  ToolResult Run(const ActionRequest& request) override { return RunAndWait(*runner_, request); }

 private:
  const std::shared_ptr<ActionRunner> runner_;
};

class Laps {
 public:
  explicit Laps(StartTimes* times) : times_(times) {}
  void Lap(const char* what) {
    const TimePoint now = clock_.Now();
    if (times_ != nullptr) times_->emplace_back(what, Milliseconds(now - last_));
    last_ = now;
  }

 private:
  const SystemClock clock_;
  StartTimes* const times_;
  TimePoint last_ = clock_.Now();
};

Result<Deployment::Voice> OpenVoice(const DeploymentSources& sources, const DialogueProgram& program,
                                    const DeploymentSchedulers& schedulers, Laps& laps) {
  const Workflow& workflow = program.workflow();
  Deployment::Voice voice;
  SOTTO_ASSIGN_OR_RETURN(voice.endpoint, EndpointOptions::FromPolicy(workflow.policy));
  if (workflow.policy.is_object() && workflow.policy.contains("names"))
    voice.names = workflow.policy["names"];
  SOTTO_ASSIGN_OR_RETURN(const DomainText text, MakeDomainText(workflow, kDomainTextSeed));
  SOTTO_ASSIGN_OR_RETURN(
      std::shared_ptr<RecognizerPool> recognizers,
      OpenRecognizers(sources.recognizer.empty() ? workflow.assistant.recognizer : sources.recognizer, text,
                      sources.ready_recognizers));
  SOTTO_ASSIGN_OR_RETURN(voice.voice_activity, OpenVoiceActivity());
  voice.recognizers = MakeLiveRecognizers(std::move(recognizers), schedulers.sessions);
  laps.Lap("recognizer");
  SOTTO_ASSIGN_OR_RETURN(
      const auto synthesizer,
      OpenSynthesizer(sources.synthesizer, sources.voice.empty() ? workflow.assistant.voice : sources.voice));
  voice.phrases = std::make_shared<PhraseCache>(synthesizer, DefaultCacheFolder() / "phrases");
  if (const ReplyTemplate* greeting = program.greeting()) {
    voice.phrases->Warm(WarmableSentences(greeting->FixedParts()));
  }
  // What is needed before its turn is synthesised at once.
  voice.synthesis = &schedulers.synthesis;
  voice.synthesizer = schedulers.synthesis.NewStrand(Scheduler::Order::kUrgency);
  voice.wait_for_synthesis = &schedulers.synthesis != &schedulers.sessions;
  for (std::string& sentence : WarmableSentences(program.FixedParts())) {
    schedulers.synthesis.Post(
        {.strand = voice.synthesizer, .priority = Priority::kIdle, .blocks = synthesizer->blocks()},
        [phrases = voice.phrases, sentence = std::move(sentence)](std::stop_token) {
          phrases->Warm(std::span(&sentence, 1));
        });
  }
  laps.Lap("voice");
  return voice;
}

}  // namespace

Result<std::shared_ptr<const Deployment>> OpenDeployment(const DeploymentSources& sources,
                                                         const DeploymentSchedulers& schedulers,
                                                         StartTimes* times) {
  Laps laps(times);
  Deployment::Parts parts;
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Workflow> workflow, LoadWorkflow(sources.workflow));
  SOTTO_ASSIGN_OR_RETURN(parts.brain, Brain::Open(workflow, sources.model, sources.brain));
  laps.Lap("model and workflow");
  if (sources.route != nullptr) {
    SOTTO_ASSIGN_OR_RETURN(parts.route, OpenRoute(sources.route, parts.brain));
    laps.Lap("route");
  }
  if (!workflow->network.specialists.empty()) {
    // Without the sentence encoder, which takes longer than all specialists together: docs/limits.md.
    SOTTO_ASSIGN_OR_RETURN(auto network, Network::Open(*workflow, {}));
    parts.network = std::make_shared<const TurnNetwork>(std::move(network), schedulers.sessions);
    laps.Lap("network");
  }
  SOTTO_ASSIGN_OR_RETURN(parts.program, DialogueProgram::Compile(workflow));
  const bool waits = &schedulers.synthesis != &schedulers.sessions;
  SOTTO_ASSIGN_OR_RETURN(parts.actions,
                         OpenRunner(*workflow, sources.databases,
                                    {.scheduler = waits ? nullptr : &schedulers.sessions, .http = nullptr}));
  SOTTO_ASSIGN_OR_RETURN(parts.actions, WithScreening(*workflow, std::move(parts.actions), sources.databases,
                                                      schedulers.sessions.clock()));
  if (waits) parts.actions = std::make_shared<WaitingRunner>(std::move(parts.actions));
  laps.Lap("dialogue and actions");
  if (sources.spoken) {
    SOTTO_ASSIGN_OR_RETURN(parts.voice, OpenVoice(sources, *parts.program, schedulers, laps));
  }
  return Deployment::Create(std::move(parts));
}

Result<std::shared_ptr<const Deployment>> WithBrain(const Deployment& base,
                                                    std::shared_ptr<const Brain> brain,
                                                    std::shared_ptr<const Brain> shadow,
                                                    const std::shared_ptr<RouteResources>& route,
                                                    Release release) {
  Deployment::Parts parts = base.parts();
  parts.brain = std::move(brain);
  parts.shadow = std::move(shadow);
  parts.release = std::move(release);
  if (route != nullptr) {
    SOTTO_ASSIGN_OR_RETURN(parts.route, OpenRoute(route, parts.brain));
  }
  return Deployment::Create(std::move(parts));
}

}  // namespace sotto
