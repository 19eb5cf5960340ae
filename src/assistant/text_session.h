// One written conversation: text -> brain -> dialogue -> action -> reply, stored turn by turn.
//
//   auto session = TextSession::Open(services, MakeBrainUnderstander(brain), UniqueId(), caller);
//   Show((*session)->Begin());                       // greeting, or where the stored session stands
//   while (!(*session)->ended()) Show((*session)->Say(line));
//
// One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assistant/session_store.h"
#include "assistant/turn_taker.h"
#include "base/clock.h"
#include "core/action.h"
#include "core/turn_log.h"

namespace sotto {

class Deployment;

// What a session needs; all of it outlives the session.
struct TextServices {
  std::shared_ptr<const DialogueProgram> program;
  ActionRunner* actions = nullptr;
  SessionStore* store = nullptr;  // null: nothing is kept
  const Clock* clock = nullptr;
  std::shared_ptr<const Deployment> deployment =
      nullptr;                // kept as long as the session; null: none (deployment.h)
  TurnSink* turns = nullptr;  // where records go besides the caller of Say; null: nowhere
  std::optional<Date> today = std::nullopt;  // the day of the call, where it is not the clock's
};

class TextSession {
 public:
  // Continues the session `id` where the store has one; else begins it, and then no other session may ever
  // have had that id (base/unique_id.h): the idempotency keys of its actions are made from it. `caller`: what
  // the host knows. kInvalidArgument: no id, or the stored session is somebody else's.
  static Result<std::unique_ptr<TextSession>> Open(TextServices services,
                                                   std::unique_ptr<Understander> understander, std::string id,
                                                   Caller caller);

  // The first reply: the greeting; of a stored session what was said last, or, where it was cut off in the
  // middle of an action, that action's outcome. An error (this and below): the store failed, and the turn did
  // not happen.
  Result<TurnRecord> Begin();
  Result<TurnRecord> Say(std::string_view text);
  // The user said nothing for a while.
  Result<TurnRecord> Silence();

  const std::string& id() const { return id_; }
  bool ended() const { return taker_.dialogue().state().ended; }
  bool resumed() const { return resumed_; }
  const std::optional<HandOff>& hand_off() const { return hand_off_; }
  const Dialogue& dialogue() const { return taker_.dialogue(); }

 private:
  TextSession(TextServices services, std::unique_ptr<Understander> understander, std::string id,
              Caller caller, std::vector<Event> events);

  TurnRecord NewRecord(std::string ended_by);
  // Stores and applies the decision and every one that its actions lead to.
  Result<TurnRecord> Settle(Decision decision, TurnRecord record);
  void Finish(TurnRecord* record);
  Result<void> Keep(std::span<const Event> events);
  Result<void> Know();  // tells the continued session who is calling now
  double Ms() const { return Milliseconds(services_.clock->Now() - opened_at_); }

  const TextServices services_;
  const std::string id_;
  const Caller caller_;
  const bool resumed_;
  const TimePoint opened_at_;
  TurnTaker taker_;
  std::optional<HandOff> hand_off_;
  int next_turn_ = 0;
};

// An Understander without a model: the calls are given ahead, in order (scripts), or typed by the user as
// "tool(argument=value); tool(...)" where none are left. Words that are no calls are not understood.
class TypedUnderstander final : public Understander {
 public:
  explicit TypedUnderstander(std::shared_ptr<const Workflow> workflow,
                             std::vector<std::vector<Understanding::Call>> turns = {})
      : workflow_(std::move(workflow)), turns_(std::move(turns)) {}

  Result<void> Begin(const Conversation&, const Expectation&, std::span<const std::string>) override {
    return {};
  }
  Result<void> Hear(std::string_view) override { return {}; }
  Result<Understanding> Peek() override {
    return MakeError(ErrorCode::kUnsupported, "typed calls have no partials");
  }
  Result<Understanding> Commit(std::span<const Transcript::Hypothesis> hypotheses) override;
  void Abandon() override {}

 private:
  const std::shared_ptr<const Workflow> workflow_;
  const std::vector<std::vector<Understanding::Call>> turns_;
  size_t next_ = 0;
};

}  // namespace sotto
