#include "assistant/goal_understander.h"

#include <algorithm>
#include <utility>

namespace sotto {
namespace {

class GoalUnderstander final : public Understander {
 public:
  GoalUnderstander(std::shared_ptr<const GoalReader> reader, std::unique_ptr<Understander> inner)
      : reader_(std::move(reader)), workflow_(reader_->workflow()), inner_(std::move(inner)) {}

  void Begin(Conversation history, Expectation expectation, std::vector<std::string> offered) override {
    expectation_ = expectation;
    const auto about_goal = [&](const Turn& turn) {
      return std::any_of(turn.calls.begin(), turn.calls.end(),
                         [&](const ToolCall& call) { return workflow_.FindPlan(call.name) != nullptr; });
    };
    std::erase_if(history.turns, about_goal);
    for (Turn& turn : history.turns) turn.expectation = Told(std::move(turn.expectation));
    inner_->Begin(std::move(history), Told(std::move(expectation)), std::move(offered));
  }

  void Hear(std::string partial, Done peek) override { inner_->Hear(std::move(partial), std::move(peek)); }

  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Done done) override {
    for (const Transcript::Hypothesis& heard : hypotheses) {
      auto call = reader_->ReadAnswer(heard.text, expectation_);
      if (!call) call = reader_->Read(heard.text);
      if (!call) continue;
      inner_->Abandon();
      Understanding understanding;
      understanding.calls.push_back({*std::move(call), 1.0, {}, {}});
      understanding.confidence = 1;
      understanding.made_by = MadeBy::kRule;
      understanding.transcript = heard.text;
      done(std::move(understanding));
      return;
    }
    // A goal beside another request, which the model understands: of the words that were heard best alone.
    const std::string heard = hypotheses.front().text;
    const auto half = expectation_.kind == Expectation::Kind::kNone ? reader_->ReadHalf(heard) : std::nullopt;
    if (!half) {
      inner_->Commit(std::move(hypotheses), limit, std::move(done));
      return;
    }
    inner_->Commit({{half->rest, hypotheses.front().log_score}}, limit,
                   [heard, goal = half->goal, first = half->first, unclear = workflow_.unclear_tool,
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

  // What the inner one is told is expected: a read-back of the last tool that acts, in place of the goal's.
  Expectation Told(Expectation expectation) const {
    const PlanDef* plan = workflow_.FindPlan(expectation.tool);
    if (plan == nullptr) return expectation;
    if (expectation.kind == Expectation::Kind::kSlots) return {};
    for (auto step = plan->steps.rbegin(); step != plan->steps.rend(); ++step) {
      const auto offered = [&](const ToolDef& tool) { return tool.name == step->tool; };
      if (step->acts && std::any_of(workflow_.tools.begin(), workflow_.tools.end(), offered)) {
        expectation.tool = step->tool;
        return expectation;
      }
    }
    return {};
  }

  const std::shared_ptr<const GoalReader> reader_;
  const Workflow& workflow_;
  const std::unique_ptr<Understander> inner_;
  Expectation expectation_;
};

}  // namespace

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
