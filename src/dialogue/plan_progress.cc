#include "dialogue/plan_progress.h"

#include "dialogue/slot_value.h"
#include "workflow/plan_value.h"

namespace sotto {
namespace {

bool IsWanted(const DialogueProgram::PlanTexts& plan, size_t step, const Json& values) {
  const auto& when = plan.when[step];
  return when.empty() || when[0].Holds(values) == std::optional<bool>(true);
}

bool IsKnown(size_t step, const Task& task) { return task.results.contains(std::to_string(step + 1)); }

}  // namespace

bool IsToBeDone(const DialogueProgram::PlanTexts& plan, size_t step, const Task& task, const Json& values) {
  return plan.plan->steps[step].acts && IsWanted(plan, step, values) && !IsKnown(step, task);
}

std::optional<size_t> NextStep(const DialogueProgram::PlanTexts& plan, const Task& task, const Json& values) {
  const auto& steps = plan.plan->steps;
  const size_t first_act = plan.plan->first_act();
  const auto looks_up = [&](size_t step) {
    return !steps[step].acts && !IsKnown(step, task) && IsWanted(plan, step, values);
  };
  for (size_t i = 0; i < first_act; ++i) {
    if (looks_up(i)) return i;
  }
  for (size_t i = first_act; i < steps.size(); ++i) {
    if (IsToBeDone(plan, i, task, values)) return i;
  }
  for (size_t i = first_act; i < steps.size(); ++i) {
    if (looks_up(i)) return i;
  }
  return std::nullopt;
}

std::optional<Json> StepArguments(const DialogueProgram::PlanTexts& plan, size_t step, const Task& task,
                                  const Json& values, std::optional<Date> today) {
  const ToolDef& tool = *plan.tools[step];
  Json arguments = Json::object();
  for (const Slot& slot : tool.slots) {
    for (const auto& [name, value] : plan.plan->steps[step].with) {
      if (name != slot.name) continue;
      const auto known = Evaluate(value, values, task.results);
      if (!known) break;
      const auto fit = FitValue(slot.entity, *known, today);
      const Json* fitted = std::get_if<Json>(&fit);
      if (fitted == nullptr) return std::nullopt;
      arguments[slot.name] = *fitted;
    }
    if (slot.required && slot.when.empty() && !arguments.contains(slot.name)) return std::nullopt;
  }
  return arguments;
}

}  // namespace sotto
