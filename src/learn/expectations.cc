#include "learn/expectations.h"

#include <algorithm>
#include <iterator>

#include "dialogue/script.h"
#include "learn/own_words.h"

namespace sotto {

GoldDialogue::GoldDialogue(std::shared_ptr<const DialogueProgram> program, double confidence)
    : dialogue_(std::move(program)), confidence_(confidence) {
  Settle(dialogue_.Begin("labelled"));
}

std::vector<Event> GoldDialogue::Hear(const Turn& turn, std::optional<Date> today) {
  TurnInput input = CertainInput(turn.user, turn.calls);
  input.today = today;
  for (Understanding::Call& call : input.calls) {
    const ToolDef* tool = dialogue_.program().workflow().FindTool(call.call.name);
    if (tool != nullptr && IsGoal(*tool)) call.confidence = confidence_;
  }
  return Settle(dialogue_.Turn(input));
}

std::vector<Event> GoldDialogue::Settle(Decision decision) {
  std::vector<Event> events = std::move(decision.events);
  while (decision.action) {
    const ToolDef* tool = dialogue_.program().workflow().FindTool(decision.action->tool);
    decision = dialogue_.Result(MadeUpResult(*tool));
    std::move(decision.events.begin(), decision.events.end(), std::back_inserter(events));
  }
  return events;
}

Conversation WithExpectations(std::shared_ptr<const DialogueProgram> program,
                              const Conversation& conversation) {
  GoldDialogue dialogue(std::move(program));
  Conversation out;
  out.tools = conversation.tools;
  out.today = conversation.today;
  for (const Turn& turn : conversation.turns) {
    if (dialogue.over()) break;
    Turn& copy = out.turns.emplace_back(turn);
    copy.expectation = dialogue.expectation();
    dialogue.Hear(turn, conversation.today);
  }
  return out;
}

}  // namespace sotto
