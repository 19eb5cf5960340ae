// How far a task has come with the plan of its goal: pure functions of the plan and the task. Internal to the layer.
#pragma once

#include <optional>

#include "dialogue/program.h"
#include "dialogue/state.h"

namespace sotto {

// The step that is next: first what is looked up before anything acts, then what acts, then what is looked up to know what
// has become of it. Nothing: everything is done. `values`: PlanValues of the task.
std::optional<size_t> NextStep(const DialogueProgram::PlanTexts& plan, const Task& task, const Json& values);

// Whether the step acts and is still to be done.
bool IsToBeDone(const DialogueProgram::PlanTexts& plan, size_t step, const Task& task, const Json& values);

// What its tool is called with, fitted to the tool's slots; nothing where a value is missing or does not fit.
std::optional<Json> StepArguments(const DialogueProgram::PlanTexts& plan, size_t step, const Task& task,
                                  const Json& values, std::optional<Date> today);

}  // namespace sotto
