// Understands by rules what the goals of a workflow's plans are asked for in (workflow/goal_reader.h), and what is answered
// while one of them is open; everything else is `inner`'s, which never hears of goals: no model has learnt them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "core/understander.h"
#include "workflow/goal_reader.h"

namespace sotto {

// What rules read of a goal in the first hypothesis that holds one; nothing: the words are for a model.
std::optional<Understanding> ReadGoal(const GoalReader& reader, const Expectation& expectation,
                                      std::span<const Transcript::Hypothesis> hypotheses);
// What a model is told, which knows no goals: the turns that were about none, and what is expected of it.
std::pair<Conversation, Expectation> WithoutGoals(const Workflow& workflow, Conversation history,
                                                  Expectation expectation);

std::unique_ptr<Understander> MakeGoalUnderstander(std::shared_ptr<const GoalReader> reader,
                                                   std::unique_ptr<Understander> inner);
// The same with a reader of its own; `inner` itself where the workflow has no plans.
std::unique_ptr<Understander> WithGoals(std::shared_ptr<const Workflow> workflow,
                                        std::unique_ptr<Understander> inner);

}  // namespace sotto
