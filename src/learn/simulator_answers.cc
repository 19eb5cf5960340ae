// Simulator: what the user answers to the dialogue.
#include <algorithm>
#include <utility>

#include "learn/simulator.h"

namespace sotto {

// Until nothing is asked any more, or the user goes on to something else.
void Simulator::PlayWithDialogue() {
  optional_ = true;
  while (Talking() && Answer()) {
  }
}

bool Simulator::Answer() {
  const DialogueState& state = dialogue_->state();
  if (state.pending.kind == Pending::Kind::kClarify) return AnswerClarify();
  if (!open_) return false;
  if (open_->tool->role == ToolRole::kVerify) {
    const auto waiting = std::find_if(state.stack.rbegin(), state.stack.rend(),
                                      [](const sotto::Task& task) { return task.waits; });
    if (waiting == state.stack.rend()) return false;
    Task wanted = wanted_.at(waiting->id);
    return AnswerVerification(*open_, wanted);
  }
  if (state.pending.resumed) return AnswerResumed();
  if (state.pending.kind == Pending::Kind::kChange) return AnswerChange();
  return expectation_.kind == Expectation::Kind::kConfirm ? AnswerConfirm() : AnswerSlots();
}

// The dialogue came back to a task that was left.
bool Simulator::AnswerResumed() {
  const double move = random_.Uniform();
  if (move < 0.15) {
    EmitControl(random_.Chance(0.5) ? control::kDeny : control::kNeverMind, "drop_suspended");
    return true;
  }
  if (move < 0.25) return false;
  if (move < 0.55) {
    SayComingBack();
    return true;
  }
  return expectation_.kind == Expectation::Kind::kConfirm ? AnswerConfirm() : AnswerSlots();
}

bool Simulator::AnswerConfirm() {
  const bool room = open_->arguments.size() < open_->tool->slots.size();
  if (room && std::exchange(optional_, false) && random_.Chance(0.3)) {
    if (auto said = SayFill(*open_, false)) {
      EmitAnswer(*open_, *std::move(said), "optional");
      return true;
    }
  }
  const double move = random_.Uniform();
  if (move < 0.64) {
    EmitControl(control::kAffirm, "affirm");
  } else if (move < 0.80) {
    if (!Correct()) EmitControl(control::kDeny, "deny");
  } else if (move < 0.91) {
    EmitControl(random_.Chance(0.75) ? control::kDeny : control::kNeverMind, "deny");
  } else if (move < 0.95) {
    EmitControl(random_.Chance(0.5) ? control::kRepeat : control::kWait, "control");
  } else {
    EmitUnclear();
  }
  return true;
}

// No was said to what was read back: what should change?
bool Simulator::AnswerChange() {
  const double move = random_.Uniform();
  if (move < 0.5 && Correct()) return true;
  if (move < 0.8) {
    EmitControl(random_.Chance(0.6) ? control::kNeverMind : control::kDeny, "never_mind");
    return true;
  }
  if (move < 0.85) {
    EmitUnclear();
    return true;
  }
  return false;  // the next thing said is something else
}

// Did you want to do that?
bool Simulator::AnswerClarify() {
  const double move = random_.Uniform();
  if (move < 0.65) {
    EmitControl(control::kAffirm, "affirm");
  } else if (move < 0.85) {
    EmitControl(control::kDeny, "deny");
  } else {
    return false;
  }
  return true;
}

}  // namespace sotto
