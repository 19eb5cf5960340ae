#include "dialogue/policy.h"

#include <algorithm>

#include "base/check.h"
#include "dialogue/decider.h"
#include "dialogue/plan_progress.h"
#include "workflow/plan_value.h"

namespace sotto {

TurnInput CertainInput(std::string text, const std::vector<ToolCall>& calls) {
  TurnInput input;
  input.text = std::move(text);
  for (const ToolCall& call : calls) input.calls.push_back({call, 1.0, {}});
  return input;
}

Decision DecideBegin(const DialogueProgram& program, const DialogueState& state, std::string session,
                     const Caller& caller) {
  Decider decider(program, state);
  decider.Begin(std::move(session), caller);
  return decider.Finish();
}

Decision DecideTurn(const DialogueProgram& program, const DialogueState& state, const TurnInput& input) {
  Decider decider(program, state);
  decider.Turn(input);
  return decider.Finish();
}

Decision DecideNoInput(const DialogueProgram& program, const DialogueState& state) {
  Decider decider(program, state);
  decider.NoInput();
  return decider.Finish();
}

Decision DecideResult(const DialogueProgram& program, const DialogueState& state, const ToolResult& result,
                      std::string_view at) {
  Decider decider(program, state);
  decider.Result(result, at);
  return decider.Finish();
}

ActionRequest RunningAction(const DialogueProgram& program, const DialogueState& state) {
  const Task* task = state.FindTask(state.acting);
  SOTTO_CHECK(task != nullptr, "no action runs");
  const DialogueProgram::ToolTexts& texts = *program.FindTool(task->tool);
  Json slots = task->slots;
  const ToolDef* acting = texts.tool;
  if (texts.plan != nullptr) {
    const Json values = PlanValues(*texts.plan->plan, task->slots, task->results);
    const std::optional<size_t> step = NextStep(*texts.plan, *task, values);
    SOTTO_CHECK(step.has_value(), "no step of {} runs", task->tool);
    acting = texts.plan->tools[*step];
    slots = StepArguments(*texts.plan, *step, *task, values, state.today).value_or(Json::object());
  }
  const ToolDef& tool = *acting;
  ActionRequest request;
  request.tool = tool.name;
  request.action = tool.action;
  for (const Slot& slot : tool.slots) {
    if (const auto found = slots.find(slot.name); found != slots.end()) {
      request.arguments[slot.argument()] = *found;
    }
  }
  request.idempotency_key = state.acting_key;
  request.options = tool.action_options;
  request.caller = state.caller;
  request.session = state.session;
  request.words = state.words;
  return request;
}

std::vector<std::string> OfferedTools(const DialogueProgram& program, const DialogueState& state) {
  std::vector<std::string> names;
  const Task* open = state.open();
  for (const ToolDef& tool : program.workflow().tools) {
    bool offered = tool.role != ToolRole::kVerify;
    for (const Task& task : state.stack) offered = offered || task.tool == tool.name;
    if (offered) names.push_back(tool.name);
  }
  const Pending::Kind kind = state.pending.kind;
  // Asked again for a slot that has a value: it may stay.
  const bool known = open != nullptr && kind == Pending::Kind::kSlots && !state.pending.slots.empty() &&
                     std::all_of(state.pending.slots.begin(), state.pending.slots.end(),
                                 [&](const std::string& slot) { return open->slots.contains(slot); });
  const bool yes = known || (kind != Pending::Kind::kNone && kind != Pending::Kind::kSlots &&
                             kind != Pending::Kind::kChange);
  const bool no = yes || kind == Pending::Kind::kChange || state.pending.resumed;
  const bool busy = open != nullptr || kind == Pending::Kind::kClarify;
  if (yes) names.emplace_back(control::kAffirm);
  if (no) names.emplace_back(control::kDeny);
  if (busy) names.emplace_back(control::kNeverMind);
  if (!state.last_reply.text.empty()) names.emplace_back(control::kRepeat);
  names.emplace_back(control::kWait);
  if (busy) names.emplace_back(control::kStartOver);
  names.emplace_back(control::kHelp);
  return names;
}

}  // namespace sotto
