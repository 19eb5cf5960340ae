#include "assistant/deployment.h"

#include "assistant/brain_understander.h"
#include "assistant/goal_understander.h"
#include "assistant/shadow_understander.h"
#include "base/check.h"
#include "base/hash.h"
#include "route/cascade.h"
#include "slm/model.h"

namespace sotto {
namespace {

std::string VersionOf(const Deployment::Parts& parts) {
  return HashName(fmt::format("{}\n{}\n{}\n{}\n{}{}", parts.program->workflow().name,
                              parts.program->workflow().hash, parts.brain ? parts.brain->model().id() : "",
                              parts.voice ? parts.voice->recognizers->name() : "",
                              parts.voice ? parts.voice->phrases->synthesizer().name() : "",
                              parts.route ? "\n" + parts.route->fingerprint : ""));
}

}  // namespace

Deployment::Deployment(Parts parts)
    : parts_(std::move(parts)),
      version_(VersionOf(parts_)),
      goals_(workflow().plans.empty()
                 ? nullptr
                 : std::make_shared<const GoalReader>(parts_.program->shared_workflow())) {}

Deployment::~Deployment() = default;

Result<std::shared_ptr<const Deployment>> Deployment::Create(Parts parts) {
  SOTTO_CHECK(parts.program != nullptr && parts.actions != nullptr);
  SOTTO_CHECK(!parts.voice || (parts.voice->recognizers != nullptr && parts.voice->phrases != nullptr &&
                               parts.voice->synthesis != nullptr),
              "ears and a mouth, or neither");
  const Workflow& workflow = parts.program->workflow();
  if (parts.shadow != nullptr && parts.shadow->workflow().hash != workflow.hash) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "what understands along is of workflow {} ({}), the program of {}",
                     parts.shadow->workflow().name, parts.shadow->workflow().hash, workflow.hash);
  }
  if (parts.brain != nullptr && parts.brain->workflow().hash != workflow.hash) {
    return MakeError(ErrorCode::kInvalidArgument, "the brain is of workflow {} ({}), the program of {} ({})",
                     parts.brain->workflow().name, parts.brain->workflow().hash, workflow.name,
                     workflow.hash);
  }
  return std::shared_ptr<const Deployment>(new Deployment(std::move(parts)));
}

SessionServices Deployment::Services(const Clock& clock, Journal* journal, TurnSink* turns) const {
  SessionServices services;
  services.deployment = shared_from_this();
  services.program = parts_.program;
  services.actions = parts_.actions.get();
  services.journal = journal;
  services.clock = &clock;
  services.turns = turns;
  services.network = parts_.network;
  return services;
}

VoiceServices Deployment::ServicesWithVoice(const Clock& clock, Journal* journal, TurnSink* turns) const {
  SOTTO_CHECK(parts_.voice.has_value());
  VoiceServices services;
  static_cast<SessionServices&>(services) = Services(clock, journal, turns);
  services.recognizers = parts_.voice->recognizers.get();
  services.phrases = parts_.voice->phrases;
  services.synthesis = parts_.voice->synthesis;
  services.synthesizer = parts_.voice->synthesizer;
  services.wait_for_synthesis = parts_.voice->wait_for_synthesis;
  services.names = parts_.voice->names;
  return services;
}

std::unique_ptr<Understander> Deployment::NewUnderstander(Scheduler& scheduler) const {
  SOTTO_CHECK(parts_.brain != nullptr);
  auto acting = parts_.route != nullptr ? MakeCascade(parts_.route, scheduler)
                                        : MakeBrainUnderstander(parts_.brain, scheduler);
  if (goals_ != nullptr) acting = MakeGoalUnderstander(goals_, std::move(acting));
  if (parts_.shadow == nullptr) return acting;
  return MakeShadowUnderstander(std::move(acting), MakeBrainUnderstander(parts_.shadow, scheduler));
}

}  // namespace sotto
