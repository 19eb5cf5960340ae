// Payments that are looked at before they are made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "action/actions.h"
#include "assistant/screening_runner.h"
#include "dialogue/script.h"
#include "screen/boosted_trees.h"
#include "temp_folder.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

// The test's screen with the shipped trees beside it.
class Screening : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path source = SOTTO_SOURCE_DIR;
    std::filesystem::create_directories(folder_.path() / "odd");
    std::filesystem::copy_file(source / "tests/data/screen/odd/screen.yaml",
                               folder_.path() / "odd/screen.yaml");
    for (const char* file : {"trees.ubj", "trained.json"})
      std::filesystem::copy_file(source / "screens/payments" / file, folder_.path() / "odd" / file);
    std::filesystem::copy_file(source / "tests/data/screen/workflow.yaml", folder_.path() / "workflow.yaml");
    auto workflow = LoadWorkflow(folder_.path());
    ASSERT_TRUE(workflow) << workflow.error().message;
    workflow_ = *workflow;
    if (const auto there = CheckScreen(*workflow_); !there) {
      GTEST_SKIP() << there.error().message;  // built without xgboost
    }
  }

  // Answers everything, and counts.
  class Counting final : public InlineActionRunner {
   public:
    ToolResult Run(const ActionRequest&) override {
      ++done;
      return {true, "", Json::object()};
    }
    int done = 0;
  };

  static ActionRequest Transfer(double amount, std::string key, std::string verified_at = "") {
    ActionRequest request;
    request.tool = "transfer_money";
    request.action = "bank.transfer";
    request.arguments = {{"amount", amount}, {"to_account", "savings"}};
    request.idempotency_key = std::move(key);
    request.session = "s";
    request.caller = {"1", "text", "", "host", std::move(verified_at)};
    return request;
  }

  std::shared_ptr<ActionRunner> Open(std::shared_ptr<ActionRunner> inner,
                                     const std::filesystem::path& databases) {
    auto screening = WithScreening(*workflow_, std::move(inner), databases, clock_);
    SOTTO_CHECK(screening.has_value(), "{}", screening.error().message);
    return *screening;
  }

  TempFolder folder_;
  std::shared_ptr<const Workflow> workflow_;
  const SystemClock clock_;
};

TEST_F(Screening, Dialogues) {
  ScriptServices services;
  services.caller = {"1", "text", "", "host", ""};
  services.make_runner = [&]() -> Result<std::shared_ptr<ActionRunner>> {
    SOTTO_ASSIGN_OR_RETURN(auto runner, OpenRunner(*workflow_, kFreshDatabases));
    return WithScreening(*workflow_, std::move(runner), kFreshDatabases, clock_);
  };
  const auto scripts = ReadScripts(SOTTO_SOURCE_DIR "/tests/data/screen/dialogues.txt", *workflow_);
  ASSERT_TRUE(scripts) << scripts.error().message;
  for (const DialogueScript& script : *scripts) {
    const ScriptOutcome outcome = RunScript(workflow_, script, services);
    for (const std::string& failure : outcome.failures)
      ADD_FAILURE() << failure << "\n" << outcome.transcript;
  }
}

TEST_F(Screening, SaysWhyAndDoesNothing) {
  const auto inner = std::make_shared<Counting>();
  const auto screening = Open(inner, kFreshDatabases);
  const ToolResult held = RunAndWait(*screening, Transfer(6000, "a"));
  EXPECT_FALSE(held.ok);
  EXPECT_EQ(held.failure, kHeldFailure);
  EXPECT_EQ(held.data["decision"], "hold");
  EXPECT_THAT(held.data["reasons"].dump(), HasSubstr("more than anybody moves at once"));
  EXPECT_EQ(inner->done, 0);
  const ToolResult unusual = RunAndWait(*screening, Transfer(2000, "b"));
  EXPECT_EQ(unusual.failure, kStepUpFailure);
  EXPECT_EQ(inner->done, 0);
  // Verified long ago, or by the host alone: not once more.
  EXPECT_EQ(RunAndWait(*screening, Transfer(2000, "c", "2020-01-01T00:00:00Z")).failure, kStepUpFailure);
  const ToolResult made = RunAndWait(*screening, Transfer(2000, "d", "2099-01-01T00:00:00Z"));
  EXPECT_TRUE(made.ok);
  EXPECT_THAT(made.data["screen"]["reasons"].dump(), HasSubstr("verified once more"));
  EXPECT_EQ(inner->done, 1);
  ActionRequest other = Transfer(9000, "e");
  other.tool = "check_balance";  // no tool of the section
  EXPECT_TRUE(RunAndWait(*screening, other).ok);
}

// A request that is run again after a crash is not judged anew, and what was made is remembered.
TEST_F(Screening, RemembersOverARestart) {
  const auto inner = std::make_shared<Counting>();
  {
    const auto screening = Open(inner, folder_.path() / "db");
    for (const char* key : {"a", "b", "c"}) EXPECT_TRUE(RunAndWait(*screening, Transfer(10, key)).ok);
  }
  const auto again = Open(inner, folder_.path() / "db");
  EXPECT_TRUE(RunAndWait(*again, Transfer(10, "c")).ok);                   // the same request
  EXPECT_EQ(RunAndWait(*again, Transfer(10, "d")).failure, kHeldFailure);  // the fourth of the day
}

TEST_F(Screening, TakesLittleTime) {
  const auto screening = Open(std::make_shared<Counting>(), kFreshDatabases);
  constexpr int kPayments = 300;
  const TimePoint begin = clock_.Now();
  for (int i = 0; i < kPayments; ++i) {
    ActionRequest request = Transfer(10, std::to_string(i));
    request.caller.customer = std::to_string(i % 150);
    RunAndWait(*screening, request);
  }
  fmt::print("{:.3f} ms a checked transfer\n", Milliseconds(clock_.Now() - begin) / kPayments);
}

TEST_F(Screening, WhatIsWrongIsSaidWithItsLine) {
  auto wrong = std::make_shared<Workflow>(*workflow_);
  wrong->screen.path = "nowhere";
  const auto opened = WithScreening(*wrong, std::make_shared<Counting>(), kFreshDatabases, clock_);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("workflow.yaml:"));
  EXPECT_THAT(opened.error().message, HasSubstr("nowhere"));
  EXPECT_FALSE(CheckScreen(*wrong));
  auto none = std::make_shared<Workflow>(*workflow_);
  none->screen.path.clear();
  const auto inner = std::make_shared<Counting>();
  EXPECT_EQ(*WithScreening(*none, inner, kFreshDatabases, clock_), inner);
}

}  // namespace
}  // namespace sotto
