#include "learn/expectations.h"

#include "dialogue/dialogue.h"
#include "dialogue/script.h"

namespace sotto {

Conversation WithExpectations(std::shared_ptr<const DialogueProgram> program,
                              const Conversation& conversation) {
  const Workflow& workflow = program->workflow();
  Dialogue dialogue(program);
  Conversation out;
  out.tools = conversation.tools;
  const auto settle = [&](Decision decision) {
    while (decision.action)
      decision = dialogue.Result(MadeUpResult(*workflow.FindTool(decision.action->tool)));
    return decision.ended || decision.hand_off.has_value();
  };
  if (settle(dialogue.Begin("labelled"))) return out;
  for (const Turn& turn : conversation.turns) {
    Turn& copy = out.turns.emplace_back(turn);
    copy.expectation = dialogue.expectation();
    if (settle(dialogue.Turn(CertainInput(turn.user, turn.calls)))) break;
  }
  return out;
}

}  // namespace sotto
