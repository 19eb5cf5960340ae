// One written conversation: text -> brain -> dialogue -> action -> reply, stored turn by turn.
//
//   auto session = TextSession::Open(services, MakeBrainUnderstander(brain, scheduler), UniqueId(), caller);
//   Show((*session)->Begin());                       // greeting, or where the stored session stands
//   while (!(*session)->ended()) Show((*session)->Say(line));
//
// SessionCore with somebody who waits: every call returns when its turn is settled and stored. Where the
// store, the brain or an action failed, the record says so in `errors` and the reply answers it.
// One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assistant/session_core.h"

namespace sotto {

class TextSession final : private SessionCore::Listener {
 public:
  // Continues the session `id` where the journal has one; else begins it, and then no other session may ever
  // have had that id (base/unique_id.h): the idempotency keys of its actions are made from it. `caller`: what
  // the host knows. `words`: kSpoken where the lines are what some recogniser wrote. kInvalidArgument: no id, or the stored session is somebody else's.
  static Result<std::unique_ptr<TextSession>> Open(SessionServices services,
                                                   std::unique_ptr<Understander> understander, std::string id,
                                                   Caller caller, Channel words = Channel::kTyped);

  // The first reply: the greeting; of a stored session what was said last, or, where it was cut off in the
  // middle of an action, that action's outcome.
  TurnRecord Begin();
  TurnRecord Say(std::string_view text);
  // The user said nothing for a while.
  TurnRecord Silence();

  const std::string& id() const { return core_->id(); }
  bool ended() const { return core_->ended(); }
  bool resumed() const { return core_->resumed(); }
  const std::optional<HandOff>& hand_off() const { return core_->hand_off(); }
  const Dialogue& dialogue() const { return core_->taker().dialogue(); }

 private:
  TextSession() = default;

  void OnDecision(const Decision&) override {}
  void OnSettled() override;
  TurnRecord Settled();

  std::unique_ptr<SessionCore> core_;
};

// An Understander without a model: the calls are given ahead, in order (scripts), or typed by the user as
// "tool(argument=value); tool(...)" where none are left. Words that are no calls are not understood.
class TypedUnderstander final : public Understander {
 public:
  explicit TypedUnderstander(std::shared_ptr<const Workflow> workflow,
                             std::vector<std::vector<Understanding::Call>> turns = {})
      : workflow_(std::move(workflow)), turns_(std::move(turns)) {}

  void Begin(Conversation, Expectation, std::vector<std::string>) override {}
  void Hear(std::string partial, Done peek) override;
  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Done done) override;
  void Abandon() override {}

 private:
  Understanding Read(std::string text);

  const std::shared_ptr<const Workflow> workflow_;
  const std::vector<std::vector<Understanding::Call>> turns_;
  size_t next_ = 0;
};

}  // namespace sotto
