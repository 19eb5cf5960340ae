// What the assistant was waiting for before each turn of a labelled conversation: the real dialogue is driven
// with the gold calls, actions succeed with made-up results. Data that people write says who said what and
// what it meant; this adds the state that an application would have had.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/conversation.h"
#include "dialogue/dialogue.h"

namespace sotto {

// The real dialogue, told what each turn means.
class GoldDialogue {
 public:
  // `confidence`: how sure the assistant is of calls that begin or fill tasks; below the policy's `accept` it
  // reads back what it would otherwise do at once.
  explicit GoldDialogue(std::shared_ptr<const DialogueProgram> program, double confidence = 1);

  // The turn's words and calls, and all that follows from them; its expectation is not looked at. Returns the
  // events, those after actions included.
  std::vector<Event> Hear(const Turn& turn, std::optional<Date> today);

  // Ended, or given to a person: an application would hear no more.
  bool over() const { return dialogue_.state().ended; }
  Expectation expectation() const { return dialogue_.expectation(); }
  std::vector<std::string> OfferedTools() const { return dialogue_.OfferedTools(); }
  const DialogueState& state() const { return dialogue_.state(); }

 private:
  std::vector<Event> Settle(Decision decision);

  Dialogue dialogue_;
  double confidence_;
};

// `conversation` with every turn's expectation set. The last turns are left out where the dialogue ended
// before them (goodbye, hand-off).
Conversation WithExpectations(std::shared_ptr<const DialogueProgram> program,
                              const Conversation& conversation);

}  // namespace sotto
