// Words that nobody understood, and silence: the question again, in other words, and a person where that does not help.
#include "base/check.h"
#include "dialogue/decider.h"

namespace sotto {

void Decider::NotUnderstood() {
  Emit(Event::Type::kNoProgress);
  if (state_.failures >= policy_.max_failures) {
    HandOffTo("failures");
    return;
  }
  const Task* open = state_.open();
  const bool again = state_.failures > 1;
  switch (state_.pending.kind) {
    case Pending::Kind::kSlots:
      if (PendingSlotsAreKnown()) {
        composer_.Say("unclear");
        Advance();
        return;
      }
      if (open != nullptr && again && !state_.pending.slots.empty()) {
        AskAgain(*open, state_.pending.slots[0]);
        return;
      }
      composer_.Say("unclear");
      break;
    case Pending::Kind::kConfirm:
    case Pending::Kind::kOfferReturn:
    case Pending::Kind::kOfferGoodbye:
      composer_.Say("confirm_again", open != nullptr ? NamesOf(ToolOf(*open)) : Json::object());
      if (!again) {
        Ask(state_.pending.kind);
        return;
      }
      break;
    case Pending::Kind::kChange:
      composer_.Say("unclear");
      break;
    case Pending::Kind::kClarify:
    case Pending::Kind::kAnythingElse:
    case Pending::Kind::kNone:
      if (again) {
        composer_.Say("unclear_again", {{"titles", Titles(6)}});
      } else {
        composer_.Say("unclear");
      }
      if (state_.pending.kind == Pending::Kind::kClarify && open != nullptr) Advance();
      return;
  }
  Reask();
}

void Decider::NoInput() {
  SOTTO_CHECK(state_.acting == 0, "silence while the action of task {} runs", state_.acting);
  if (state_.ended) Emit(Event::Type::kReopened);
  Emit(Event::Type::kNoInput);
  const Task* open = state_.open();
  if (state_.no_inputs >= policy_.max_no_input) {
    if (open != nullptr) {
      HandOffTo("no_input");
    } else {
      composer_.Say("no_input_bye");
      Emit(Event::Type::kEnded);
      settled_ = true;
    }
    return;
  }
  composer_.Say("no_input");
  if (open != nullptr && state_.no_inputs > 1 && state_.pending.kind == Pending::Kind::kSlots &&
      !state_.pending.slots.empty()) {
    AskAgain(*open, state_.pending.slots[0]);
  } else {
    Reask();
  }
}

}  // namespace sotto
