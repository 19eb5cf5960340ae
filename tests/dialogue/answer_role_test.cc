// Questions to documents: asked where nothing else was understood, in the middle of a task, and given up plainly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialogue/dialogue.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

constexpr const char* kWorkflow = R"(
workflow: branch
assistant: {name: Branch}
entities:
  account: {values: {checking: [], savings: []}}
  money: {type: money, currency: USD}
tools:
  move_money:
    description: Moves money
    slots:
      amount: {entity: money, required: true, ask: the amount}
      to_account: {entity: account, required: true, ask: which account}
    confirm: "Move {amount} to {to_account}?"
    action: {use: bank.transfer}
    done: "Moved."
    examples: ["move {amount} to {to_account}"]
  ask: {role: answer, description: Questions about the branch, action: {use: documents.answer, documents: docs}}
  unclear: {role: unclear, description: Not understood}
)";

std::shared_ptr<const DialogueProgram> Program() {
  const ParsedWorkflow parsed = ParseWorkflow(kWorkflow, "branch.yaml");
  for (const Mistake& mistake : parsed.mistakes)
    EXPECT_TRUE(mistake.warning) << ToString(mistake, "branch.yaml");
  return *DialogueProgram::Compile(std::make_shared<const Workflow>(*parsed.workflow));
}

const ToolResult kAnswer{true, "", {{"answer", "A stop payment costs $30."}, {"source", "fees.md"}}};
const ToolResult kNoAnswer{false, "no_answer", {{"confidence", 0.1}}};

TEST(AnswerRole, WhatNothingUnderstoodIsAskedOfTheDocuments) {
  Dialogue dialogue(Program());
  dialogue.Begin("s");
  Decision decision = dialogue.Turn({"what does a stop payment cost", {}});
  ASSERT_TRUE(decision.action);
  EXPECT_EQ(decision.action->action, "documents.answer");
  ASSERT_FALSE(decision.action->words.empty());
  EXPECT_EQ(decision.action->words.back(), "what does a stop payment cost");
  decision = dialogue.Result(kAnswer);
  EXPECT_EQ(decision.reply.text, "A stop payment costs $30.");
  EXPECT_EQ(dialogue.state().failures, 0);
}

TEST(AnswerRole, ATaskGoesOnAfterTheAnswer) {
  Dialogue dialogue(Program());
  dialogue.Begin("s");
  dialogue.Turn(CertainInput("move fifty dollars", {{"move_money", {{"amount", 50}}}}));
  Decision decision = dialogue.Turn({"is there a charge for that somewhere", {}});
  ASSERT_TRUE(decision.action);
  decision = dialogue.Result(kAnswer);
  EXPECT_THAT(decision.reply.text, HasSubstr("$30"));
  EXPECT_THAT(decision.reply.text, HasSubstr("account"));
  EXPECT_EQ(dialogue.expectation().tool, "move_money");
}

TEST(AnswerRole, WhatTheDocumentsDoNotAnswerIsNotUnderstood) {
  Dialogue dialogue(Program());
  dialogue.Begin("s");
  ASSERT_TRUE(dialogue.Turn({"who won the game yesterday", {}}).action);
  EXPECT_THAT(dialogue.Result(kNoAnswer).reply.text, HasSubstr("didn't get that"));
  EXPECT_EQ(dialogue.state().failures, 1);
  dialogue.Turn(CertainInput("move fifty dollars", {{"move_money", {{"amount", 50}}}}));
  ASSERT_TRUE(dialogue.Turn({"blue is a colour after all", {}}).action);
  const Decision decision = dialogue.Result(kNoAnswer);
  EXPECT_EQ(dialogue.expectation().tool, "move_money");
  EXPECT_THAT(decision.reply.text, HasSubstr("account"));
}

TEST(AnswerRole, AReadBackIsNeverAnsweredByDocuments) {
  Dialogue dialogue(Program());
  dialogue.Begin("s");
  dialogue.Turn(
      CertainInput("move fifty to savings", {{"move_money", {{"amount", 50}, {"to_account", "savings"}}}}));
  ASSERT_EQ(dialogue.expectation().kind, Expectation::Kind::kConfirm);
  EXPECT_FALSE(dialogue.Turn({"the weather is nice", {}}).action);
  EXPECT_EQ(dialogue.expectation().kind, Expectation::Kind::kConfirm);
}

TEST(AnswerRole, IsNeverReadBack) {
  Dialogue dialogue(Program());
  dialogue.Begin("s");
  TurnInput input = CertainInput("what does it cost", {{"ask", Json::object()}});
  input.calls[0].confidence = 0.4;
  EXPECT_TRUE(dialogue.Turn(input).action);
}

}  // namespace
}  // namespace sotto
