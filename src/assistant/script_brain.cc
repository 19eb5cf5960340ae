#include "assistant/script_brain.h"

#include <string>
#include <utility>
#include <vector>

#include "assistant/goal_understander.h"
#include "dialogue/dialogue.h"

namespace sotto {

decltype(ScriptServices::understand) MakeScriptBrain(std::shared_ptr<const Brain> brain) {
  const std::shared_ptr<const Workflow> workflow(brain, &brain->workflow());
  const auto goals = std::make_shared<const GoalReader>(workflow);
  const auto session = std::make_shared<BrainSession>(std::move(brain));
  return [workflow, goals, session](const Dialogue& dialogue, const Conversation& history,
                                    const std::string& text) -> Result<Understanding> {
    const Transcript::Hypothesis said{text, 0};
    if (auto goal = ReadGoal(*goals, dialogue.expectation(), {&said, 1})) return *std::move(goal);
    std::vector<std::string> controls;
    for (std::string& tool : dialogue.OfferedTools())
      if (IsControlTool(tool)) controls.push_back(std::move(tool));
    const auto [told, expected] = WithoutGoals(*workflow, history, dialogue.expectation());
    SOTTO_RETURN_IF_ERROR(session->Begin(told, expected, controls));
    return session->Commit(text);
  };
}

}  // namespace sotto
