#include "assistant/goal_understander.h"

#include <algorithm>
#include <utility>

namespace sotto {
namespace {

// What the model is told is expected: a read-back of the last tool that acts, in place of the goal's.
Expectation ToldOf(const Workflow& workflow, Expectation expectation) {
  const PlanDef* plan = workflow.FindPlan(expectation.tool);
  if (plan == nullptr) return expectation;
  if (expectation.kind == Expectation::Kind::kSlots) return {};
  for (auto step = plan->steps.rbegin(); step != plan->steps.rend(); ++step) {
    const auto offered = [&](const ToolDef& tool) { return tool.name == step->tool; };
    if (step->acts && std::any_of(workflow.tools.begin(), workflow.tools.end(), offered)) {
      expectation.tool = step->tool;
      return expectation;
    }
  }
  return {};
}

class GoalUnderstander final : public Understander {
 public:
  GoalUnderstander(std::shared_ptr<const GoalReader> reader, std::unique_ptr<Understander> inner)
      : reader_(std::move(reader)), inner_(std::move(inner)) {}

  void Begin(Conversation history, Expectation expectation, std::vector<std::string> offered) override {
    expectation_ = expectation;
    auto [told, expected] = WithoutGoals(reader_->workflow(), std::move(history), std::move(expectation));
    inner_->Begin(std::move(told), std::move(expected), std::move(offered));
  }

  void Hear(std::string partial, Done peek) override { inner_->Hear(std::move(partial), std::move(peek)); }

  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Done done) override {
    if (auto goal = ReadGoal(*reader_, expectation_, hypotheses)) {
      inner_->Abandon();
      return done(*std::move(goal));
    }
    // A goal beside another request, which the model understands: of the words that were heard best alone.
    const std::string heard = hypotheses.front().text;
    const auto half = expectation_.kind == Expectation::Kind::kNone ? reader_->ReadHalf(heard) : std::nullopt;
    if (!half) {
      inner_->Commit(std::move(hypotheses), limit, std::move(done));
      return;
    }
    inner_->Commit({{half->rest, hypotheses.front().log_score}}, limit,
                   [heard, goal = half->goal, first = half->first, unclear = reader_->workflow().unclear_tool,
                    done = std::move(done)](Result<Understanding> rest) {
                     if (rest) *rest = Joined(*std::move(rest), goal, first, unclear, heard);
                     done(std::move(rest));
                   });
  }

  void Abandon() override { inner_->Abandon(); }
  std::optional<Understanding> TakeShadow() override { return inner_->TakeShadow(); }

 private:
  static Understanding Joined(Understanding rest, const ToolCall& goal, bool first,
                              const std::string& unclear, const std::string& heard) {
    std::erase_if(rest.calls, [&](const Understanding::Call& call) { return call.call.name == unclear; });
    if (rest.calls.empty()) rest.made_by = MadeBy::kRule;
    rest.calls.insert(first ? rest.calls.begin() : rest.calls.end(), Understanding::Call{goal, 1.0, {}, {}});
    rest.transcript = heard;
    return rest;
  }

  const std::shared_ptr<const GoalReader> reader_;
  const std::unique_ptr<Understander> inner_;
  Expectation expectation_;
};

}  // namespace

std::optional<Understanding> ReadGoal(const GoalReader& reader, const Expectation& expectation,
                                      std::span<const Transcript::Hypothesis> hypotheses) {
  for (const Transcript::Hypothesis& heard : hypotheses) {
    auto call = reader.ReadAnswer(heard.text, expectation);
    if (!call) call = reader.Read(heard.text);
    if (!call) continue;
    Understanding understanding;
    understanding.calls.push_back({*std::move(call), 1.0, {}, {}});
    understanding.confidence = 1;
    understanding.made_by = MadeBy::kRule;
    understanding.transcript = heard.text;
    return understanding;
  }
  return std::nullopt;
}

std::pair<Conversation, Expectation> WithoutGoals(const Workflow& workflow, Conversation history,
                                                  Expectation expectation) {
  const auto about_goal = [&](const Turn& turn) {
    return std::any_of(turn.calls.begin(), turn.calls.end(),
                       [&](const ToolCall& call) { return workflow.FindPlan(call.name) != nullptr; });
  };
  std::erase_if(history.turns, about_goal);
  for (Turn& turn : history.turns) turn.expectation = ToldOf(workflow, std::move(turn.expectation));
  return {std::move(history), ToldOf(workflow, std::move(expectation))};
}

std::unique_ptr<Understander> MakeGoalUnderstander(std::shared_ptr<const GoalReader> reader,
                                                   std::unique_ptr<Understander> inner) {
  return std::make_unique<GoalUnderstander>(std::move(reader), std::move(inner));
}

std::unique_ptr<Understander> WithGoals(std::shared_ptr<const Workflow> workflow,
                                        std::unique_ptr<Understander> inner) {
  if (workflow->plans.empty()) return inner;
  return MakeGoalUnderstander(std::make_shared<const GoalReader>(std::move(workflow)), std::move(inner));
}

}  // namespace sotto
