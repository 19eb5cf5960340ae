// A user who says anything at any time: random calls, slots, corrections, yes and no where nobody asked,
// silence.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "dialogue/dialogue.h"

namespace sotto {

inline Json RandomValue(const Slot& slot, Random& random) {
  static const std::vector<Json> kJunk{Json("xyzzy"), Json(-3),   Json(""),         Json(nullptr), Json(1e12),
                                       Json("12"),    Json(true), Json::array({1}), Json("  "),    Json(0)};
  if (random.Chance(0.1)) return random.Pick(kJunk);
  switch (slot.entity.type) {
    case Entity::Type::kEnum:
      return random.Pick(slot.entity.values).value;
    case Entity::Type::kDigits:
      return random.Chance(0.5) ? Json("4532") : Json("7788");
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      return static_cast<double>(random.Below(50000)) / 100;
    case Entity::Type::kDate:
      return "2030-05-06";
    case Entity::Type::kTime:
      return random.Chance(0.5) ? "15:30" : "08:00/12:00";
    case Entity::Type::kDuration:
      return "P14D";
    case Entity::Type::kDateRange:
      return "2026-03-01/2026-03-15";
    case Entity::Type::kText:
      return slot.entity.values.empty() ? Json("some words") : Json(random.Pick(slot.entity.values).value);
  }
  return nullptr;
}

inline Understanding::Call RandomCall(const Workflow& workflow, const DialogueState& state, Random& random) {
  Understanding::Call call;
  call.confidence = random.Chance(0.8) ? 1.0 : random.Uniform();
  if (random.Chance(0.35)) {
    call.call.name = random.Pick(ControlTools()).name;
    return call;
  }
  const ToolDef* tool = &random.Pick(workflow.tools);
  if (!workflow.plans.empty() && random.Chance(0.15)) tool = &random.Pick(workflow.plans).goal;
  if (state.open() != nullptr && random.Chance(0.6)) tool = workflow.FindTool(state.open()->tool);
  call.call.name = random.Chance(0.01) ? "no_such_tool" : tool->name;
  for (const Slot& slot : tool->slots) {
    if (!random.Chance(0.5)) continue;
    call.call.arguments[slot.name] = RandomValue(slot, random);
    if (random.Chance(0.2)) call.arguments.emplace_back(slot.name, random.Uniform());
  }
  if (random.Chance(0.02)) call.call.arguments["no_such_slot"] = 1;
  return call;
}

inline TurnInput RandomInput(const Workflow& workflow, const DialogueState& state, Random& random) {
  TurnInput input;
  input.text = "words";
  // Somebody who mostly cooperates gets further into the dialogue.
  if (state.pending.kind == Pending::Kind::kConfirm && random.Chance(0.5)) {
    input.text = "yes";
    input.calls.push_back({{control::kAffirm, Json::object()}, 1, {}});
    return input;
  }
  const size_t count = random.Chance(0.7) ? 1 : random.Below(4);
  for (size_t i = 0; i < count; ++i) input.calls.push_back(RandomCall(workflow, state, random));
  return input;
}

}  // namespace sotto
