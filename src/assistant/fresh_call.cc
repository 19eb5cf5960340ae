#include "assistant/fresh_call.h"

#include "assistant/brain_understander.h"
#include "assistant/goal_understander.h"
#include "assistant/screening_runner.h"
#include "base/unique_id.h"

namespace sotto {

Result<std::unique_ptr<CallHost>> CallHost::Open(std::shared_ptr<const Brain> brain) {
  auto host = std::unique_ptr<CallHost>(new CallHost(brain));
  const std::shared_ptr<const Workflow> workflow(brain, &brain->workflow());  // lives as long as the brain
  SOTTO_ASSIGN_OR_RETURN(host->program_, DialogueProgram::Compile(workflow));
  return host;
}

Result<CallHost::Call> CallHost::Begin(Caller caller, Channel channel, std::optional<Date> today) {
  Call call;
  SOTTO_ASSIGN_OR_RETURN(call.actions, OpenRunner(workflow(), kFreshDatabases));
  SOTTO_ASSIGN_OR_RETURN(call.actions,
                         WithScreening(workflow(), std::move(call.actions), kFreshDatabases, clock_));
  SessionServices services;
  services.program = program_;
  services.actions = call.actions.get();
  services.clock = &clock_;
  services.today = today;
  SOTTO_ASSIGN_OR_RETURN(call.session, TextSession::Open(services,
                                                         WithGoals(program_->shared_workflow(),
                                                                   MakeBrainUnderstander(brain_, scheduler_)),
                                                         UniqueId(), std::move(caller), channel));
  return call;
}

}  // namespace sotto
