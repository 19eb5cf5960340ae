// A workflow's questions to documents, from its file to what is said and where it stands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "action/actions.h"
#include "temp_folder.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

Workflow BranchWorkflow(const std::string& action) {
  const ParsedWorkflow parsed = ParseWorkflow(
      "workflow: branch\nassistant: {name: Branch}\ntools:\n  ask: {role: answer, description: Questions, "
      "action: " +
          action + "}\n  unclear: {role: unclear, description: Not understood}\n",
      "branch.yaml");
  for (const Mistake& mistake : parsed.mistakes)
    EXPECT_TRUE(mistake.warning) << ToString(mistake, "branch.yaml");
  Workflow workflow = parsed.workflow.value_or(Workflow());
  workflow.folder = std::filesystem::path(SOTTO_SOURCE_DIR) / "tests/data/retrieve";
  return workflow;
}

ToolResult AskBranch(WorkflowActions& actions, const Workflow& workflow, std::vector<std::string> words) {
  ActionRequest request;
  request.tool = "ask";
  request.action = "documents.answer";
  request.options = workflow.FindTool("ask")->action_options;
  request.options["timeout_ms"] = 60'000;  // a busy machine
  request.words = std::move(words);
  return RunAndWait(*actions.runner, request);
}

TEST(AnswerAction, AnswersWithItsSource) {
  const TempFolder folder;
  const Workflow workflow = BranchWorkflow("{use: documents.answer, documents: branch}");
  auto actions = OpenActions(workflow, folder.path());
  ASSERT_TRUE(actions) << actions.error().message;
  const ToolResult answer = AskBranch(*actions, workflow, {"hello", "what does a stop payment cost"});
  ASSERT_TRUE(answer.ok) << answer.failure << answer.data.dump();
  EXPECT_THAT(answer.data["answer"].get<std::string>(), HasSubstr("$30"));
  EXPECT_THAT(answer.data["source"].get<std::string>(), HasSubstr("fees.md"));
  EXPECT_GE(answer.data["confidence"].get<double>(), 0.5);
  const ToolResult foreign = AskBranch(*actions, workflow, {"when does the train to the airport leave"});
  EXPECT_EQ(foreign.failure, "no_answer");
}

TEST(AnswerAction, WhatIsWrongIsToldWhenItIsOpened) {
  const TempFolder folder;
  const auto error = [&](const std::string& action) {
    const auto opened = OpenActions(BranchWorkflow(action), folder.path());
    return opened ? "" : opened.error().message;
  };
  EXPECT_THAT(error("{use: documents.answer}"), HasSubstr("tool ask"));
  EXPECT_THAT(error("{use: documents.answer, documents: nowhere}"), HasSubstr("nowhere"));
  EXPECT_THAT(error("{use: documents.answer, index: nowhere.index}"), HasSubstr("no index there"));
  EXPECT_THAT(error("{use: documents.answer, documents: branch, threshold: 7}"), HasSubstr("threshold"));
  EXPECT_THAT(error("{use: documents.answer, documents: branch, colour: red}"), HasSubstr("colour"));
}

}  // namespace
}  // namespace sotto
