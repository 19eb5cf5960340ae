// What the assistant was waiting for before each turn of a labelled conversation: the real dialogue is driven
// with the gold calls, actions succeed with made-up results. Data that people write says who said what and
// what it meant; this adds the state that an application would have had.
#pragma once

#include <memory>

#include "core/conversation.h"
#include "dialogue/program.h"

namespace sotto {

// `conversation` with every turn's expectation set. The last turns are left out where the dialogue ended
// before them (goodbye, hand-off).
Conversation WithExpectations(std::shared_ptr<const DialogueProgram> program,
                              const Conversation& conversation);

}  // namespace sotto
