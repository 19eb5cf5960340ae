#include "dialogue/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const Workflow> Load(const std::string& name) {
  auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/" + name);
  SOTTO_CHECK(workflow, "{}", workflow.error().message);
  return *workflow;
}

// Every dialogue beside a workflow, with the calls of the file and made-up results: the orchestrator alone.
class WorkflowDialogues : public ::testing::TestWithParam<std::string> {};

TEST_P(WorkflowDialogues, Pass) {
  const std::filesystem::path folder = SOTTO_SOURCE_DIR "/workflows/" + GetParam() + "/dialogues";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  const auto workflow = Load(GetParam());
  const auto scripts = ReadScripts(folder, *workflow);
  ASSERT_TRUE(scripts) << scripts.error().message;
  for (const DialogueScript& script : *scripts) {
    const ScriptOutcome outcome = RunScript(workflow, script, {});
    for (const std::string& failure : outcome.failures)
      ADD_FAILURE() << failure << "\n" << outcome.transcript;
  }
  RecordProperty("dialogues", static_cast<int>(scripts->size()));
}

INSTANTIATE_TEST_SUITE_P(All, WorkflowDialogues, ::testing::Values("banking", "telecom", "coffee"),
                         [](const auto& param) { return param.param; });

TEST(Script, ReportsWhatWasNotMet) {
  const auto workflow = Load("banking");
  const auto scripts =
      ParseScripts("== x\nuser: hi\ncall: greeting()\nbot: Good day\nexpect: offer\n", "x.txt", *workflow);
  ASSERT_TRUE(scripts);
  const ScriptOutcome outcome = RunScript(workflow, scripts->front(), {});
  ASSERT_EQ(outcome.failures.size(), 2u);
  EXPECT_THAT(outcome.failures[0], HasSubstr("x.txt:4: x: bot said"));
}

TEST(Script, NamesTheLineOfAMistake) {
  const auto workflow = Load("banking");
  for (const char* wrong :
       {"user: hi", "== x\nhello", "== x\nuser: a\ncall: foo()", "== x\nuser: a\ncall: greeting",
        "== x\nuser: a\ncall: check_balance(x=1)", "== x\nuser: a\nresult: ok {", "== x\nsay: a",
        "== x\nuser: a\ncall: greeting() 0.4"}) {
    const auto scripts = ParseScripts(wrong, "x.txt", *workflow);
    ASSERT_FALSE(scripts) << wrong;
    EXPECT_THAT(scripts.error().message, HasSubstr("x.txt:")) << wrong;
  }
}

TEST(Script, Patterns) {
  EXPECT_TRUE(MatchesPattern("a*c", "abbc"));
  EXPECT_TRUE(MatchesPattern("*", ""));
  EXPECT_TRUE(MatchesPattern("*b*", "abc"));
  EXPECT_FALSE(MatchesPattern("a*c", "abcd"));
  EXPECT_FALSE(MatchesPattern("", "a"));
}

}  // namespace
}  // namespace sotto
