// One conversation: the state, and the policy that moves it. Driven like this:
//
//   Dialogue dialogue(program);
//   Decision decision = dialogue.Begin("session-1");                  // greeting
//   decision = dialogue.Turn({text, understanding.calls});            // or NoInput()
//   while (decision.action) decision = dialogue.Result(RunAndWait(runner, *decision.action));
//
// Every decision's reply is said, in order; one before an action may be empty. RunTurn does the loop and
// joins the replies. What the brain needs with the next utterance: expectation() and OfferedTools(). A value;
// one thread at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/action.h"
#include "dialogue/policy.h"

namespace sotto {

class Dialogue {
 public:
  explicit Dialogue(std::shared_ptr<const DialogueProgram> program) : program_(std::move(program)) {}
  // Continues where the events of a stored session end.
  Dialogue(std::shared_ptr<const DialogueProgram> program, std::span<const Event> events)
      : program_(std::move(program)), state_(Fold(events)) {}

  // `session`: an id that no other session has (base/unique_id.h). `caller`: what the host knows.
  Decision Begin(std::string session, const Caller& caller = {}) {
    return Take(DecideBegin(*program_, state_, std::move(session), caller));
  }
  // Of a continued session: the host knows `caller` now. The event, for the journal; none where that is not
  // new. REQUIRES: !acting().
  std::vector<Event> Know(const Caller& caller);
  // REQUIRES (both): !acting().
  Decision Turn(const TurnInput& input) { return Take(DecideTurn(*program_, state_, input)); }
  Decision NoInput() { return Take(DecideNoInput(*program_, state_)); }
  // REQUIRES: acting().
  Decision Result(const ToolResult& result, std::string_view at = {}) {
    return Take(DecideResult(*program_, state_, result, at));
  }

  // The whole turn: runs what must be run, and returns all events, the joined reply and the last expectation.
  Decision RunTurn(const TurnInput& input, ActionRunner& runner) { return Settle(Turn(input), runner); }
  Decision Settle(Decision decision, ActionRunner& runner);

  bool acting() const { return state_.acting != 0; }
  // REQUIRES: acting().
  ActionRequest running_action() const { return RunningAction(*program_, state_); }
  Expectation expectation() const { return ToExpectation(state_); }
  std::vector<std::string> OfferedTools() const { return sotto::OfferedTools(*program_, state_); }
  const DialogueState& state() const { return state_; }
  const DialogueProgram& program() const { return *program_; }

 private:
  Decision Take(Decision decision);

  std::shared_ptr<const DialogueProgram> program_;
  DialogueState state_;
};

}  // namespace sotto
