// Written conversations that each begin with everything fresh: what `sotto eval` and tests hold their callers' calls on.
#pragma once

#include <memory>
#include <optional>

#include "action/actions.h"
#include "assistant/text_session.h"
#include "base/scheduler.h"
#include "brain/brain.h"
#include "core/calendar.h"

namespace sotto {

// Shared by all calls of one evaluation; outlives them.
class CallHost {
 public:
  static Result<std::unique_ptr<CallHost>> Open(std::shared_ptr<const Brain> brain);
  const Workflow& workflow() const { return brain_->workflow(); }

  struct Call {
    std::shared_ptr<ActionRunner> actions;  // on fresh data
    std::unique_ptr<TextSession> session;
  };
  Result<Call> Begin(Caller caller, Channel channel, std::optional<Date> today = {});

 private:
  explicit CallHost(std::shared_ptr<const Brain> brain) : brain_(std::move(brain)), scheduler_(clock_) {}

  const std::shared_ptr<const Brain> brain_;
  std::shared_ptr<const DialogueProgram> program_;
  const SystemClock clock_;
  Scheduler scheduler_;
};

}  // namespace sotto
