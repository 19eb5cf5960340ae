#include "assistant/deployment.h"

#include "assistant/brain_understander.h"
#include "base/check.h"
#include "base/hash.h"
#include "slm/model.h"

namespace sotto {
namespace {

std::string VersionOf(const Deployment::Parts& parts) {
  return HashName(fmt::format("{}\n{}\n{}\n{}\n{}", parts.program->workflow().name,
                              parts.program->workflow().hash, parts.brain ? parts.brain->model().id() : "",
                              parts.recognizers ? parts.recognizers->name() : "",
                              parts.phrases ? parts.phrases->synthesizer().name() : ""));
}

}  // namespace

Deployment::Deployment(Parts parts) : parts_(std::move(parts)), version_(VersionOf(parts_)) {}

Deployment::~Deployment() = default;

Result<std::shared_ptr<const Deployment>> Deployment::Create(Parts parts) {
  SOTTO_CHECK(parts.program != nullptr && parts.actions != nullptr);
  SOTTO_CHECK((parts.recognizers == nullptr) == (parts.phrases == nullptr), "ears and a mouth, or neither");
  const Workflow& workflow = parts.program->workflow();
  if (parts.brain != nullptr && parts.brain->workflow().hash != workflow.hash) {
    return MakeError(ErrorCode::kInvalidArgument, "the brain is of workflow {} ({}), the program of {} ({})",
                     parts.brain->workflow().name, parts.brain->workflow().hash, workflow.name,
                     workflow.hash);
  }
  return std::shared_ptr<const Deployment>(new Deployment(std::move(parts)));
}

TextServices Deployment::ForText(const Clock& clock, Journal* journal, TurnSink* turns) const {
  TextServices services;
  services.deployment = shared_from_this();
  services.program = parts_.program;
  services.actions = parts_.actions.get();
  services.journal = journal;
  services.clock = &clock;
  services.turns = turns;
  return services;
}

std::unique_ptr<Understander> Deployment::NewUnderstander(Scheduler& scheduler) const {
  SOTTO_CHECK(parts_.brain != nullptr);
  return MakeBrainUnderstander(parts_.brain, scheduler);
}

}  // namespace sotto
