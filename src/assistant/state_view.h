// Where a conversation stands, for people who watch it: what pages and other programs show of a dialogue.
#pragma once

#include <memory>
#include <utility>

#include "core/turn_record.h"
#include "dialogue/dialogue.h"

namespace sotto {

// {"expectation": {...}, "tasks": [{"id", "tool", "title", "status": open|suspended|queued|done|failed,
// "slots", "missing", "failure"?}], "caller": {...}, "acting": bool, "ended": bool}. Tasks: the open one
// first, then suspended and queued ones, then those that ended, the last first, at most eight of them.
Json StateView(const DialogueProgram& program, const DialogueState& state);

// The same of a conversation that is only known by its turn records: the fold of their events.
class StateWatch {
 public:
  explicit StateWatch(std::shared_ptr<const DialogueProgram> program) : program_(std::move(program)) {}
  // REQUIRES: the records come in order, each once.
  void Add(const TurnRecord& record);
  Json View() const { return StateView(*program_, state_); }
  // What was asked last.
  Expectation expectation() const { return ToExpectation(state_); }

 private:
  const std::shared_ptr<const DialogueProgram> program_;
  DialogueState state_;
};

}  // namespace sotto
