#include "workflow/stakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "temp_folder.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A workflow with one tool; `rest` are its other keys.
ParsedWorkflow OneTool(const std::string& name, const std::string& rest) {
  const std::string text =
      "workflow: one\nentities:\n  money: {type: money}\n  code: {type: digits, length: 4}\n" +
      std::string("  room: {values: [kitchen, bath]}\ntools:\n  ") + name + ":\n    description: Does it\n" +
      rest + "\n  intent_unclear: {role: unclear, description: Not understood}\n";
  return ParseWorkflow(text, "one.yaml");
}

std::string All(const ParsedWorkflow& parsed) {
  std::string all;
  for (const Mistake& mistake : parsed.mistakes) all += ToString(mistake, parsed.file) + "\n";
  return all;
}

Stakes StakesOfOne(const std::string& name, const std::string& rest) {
  const ParsedWorkflow parsed = OneTool(name, rest);
  SOTTO_CHECK(parsed.workflow.has_value(), "{}", All(parsed));
  return StakesOf(*parsed.workflow, parsed.workflow->tools[0]);
}

TEST(Stakes, AreKnownFromActionSlotsAndVerbs) {
  EXPECT_EQ(StakesOfOne("cancel_card", "    done: x"), Stakes::kNone);  // no action
  EXPECT_EQ(StakesOfOne("cancel_card", "    action: my.cancel"), Stakes::kAccess);
  EXPECT_EQ(StakesOfOne("check_card", "    action: my.check"), Stakes::kNone);
  EXPECT_EQ(StakesOfOne("check_card", "    action: my.check\n    effect: acts"), Stakes::kLittle);
  EXPECT_EQ(StakesOfOne("cancel_card", "    action: my.cancel\n    effect: reads"), Stakes::kNone);
  EXPECT_EQ(StakesOfOne("dim", "    action: my.dim\n    slots: {room: {entity: room}}"), Stakes::kLittle);
  EXPECT_EQ(StakesOfOne("dim", "    action: my.dim\n    slots: {price: {entity: money}}"), Stakes::kMoney);
  EXPECT_EQ(StakesOfOne("dim", "    action: my.dim\n    slots: {lamp: {entity: code}}"), Stakes::kAccess);
  EXPECT_EQ(StakesOfOne("book_room", "    action: my.book"), Stakes::kCommitments);
  EXPECT_EQ(StakesOfOne("pay", "    action: {use: sql, statements: [\"SELECT 1\"]}"), Stakes::kNone);
  EXPECT_EQ(StakesOfOne("check_in", "    action: {use: sql, statements: [\"UPDATE t SET a = 1\"]}"),
            Stakes::kLittle);
  EXPECT_EQ(StakesOfOne("pay", "    action: {use: http, method: get, url: x}"), Stakes::kNone);
}

TEST(Stakes, AToolWithoutConfirmIsWarnedOfAndReadBack) {
  const ParsedWorkflow risky = OneTool("cancel_card", "    action: my.cancel");
  EXPECT_THAT(All(risky), HasSubstr("warning: tool 'cancel_card' acts on access without 'confirm'"));
  EXPECT_TRUE(ReadsBack(*risky.workflow, risky.workflow->tools[0]));
  const ParsedWorkflow never = OneTool("cancel_card", "    action: my.cancel\n    confirm: never");
  EXPECT_THAT(All(never), Not(HasSubstr("confirm")));
  EXPECT_TRUE(never.workflow->tools[0].confirm.empty());
  EXPECT_FALSE(ReadsBack(*never.workflow, never.workflow->tools[0]));
  const ParsedWorkflow no = OneTool("cancel_card", "    action: my.cancel\n    confirm: false");
  EXPECT_FALSE(ReadsBack(*no.workflow, no.workflow->tools[0]));
  const ParsedWorkflow text = OneTool("cancel_card", "    action: my.cancel\n    confirm: Cancel it?");
  EXPECT_EQ(All(text), "");
  EXPECT_TRUE(ReadsBack(*text.workflow, text.workflow->tools[0]));
}

TEST(Stakes, ShippedWorkflowsSayWhatTheyDo) {
  for (const char* name : {"banking", "telecom", "coffee"}) {
    const auto parsed = ReadWorkflow(std::string(SOTTO_SOURCE_DIR "/workflows/") + name);
    ASSERT_TRUE(parsed);
    EXPECT_THAT(All(*parsed), Not(HasSubstr("without 'confirm'"))) << name;
  }
}

TEST(WorkflowLanguage, AnUnknownOneIsAMistake) {
  const ParsedWorkflow parsed =
      ParseWorkflow("workflow: w\nlanguage: tlh\ntools: {intent_unclear: {role: unclear}}\n", "w.yaml");
  EXPECT_FALSE(parsed.workflow);
  EXPECT_THAT(All(parsed), HasSubstr("w.yaml:2:1: no language 'tlh'; there are: en"));
}

TEST(WorkflowLanguage, AWorkflowMayBringItsOwn) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "languages");
  std::filesystem::copy(SOTTO_SOURCE_DIR "/tests/data/languages/eo", folder / "languages" / "eo",
                        std::filesystem::copy_options::recursive);
  std::ofstream(folder / "workflow.yaml")
      << "workflow: w\nlanguage: eo\ntools: {intent_unclear: {role: unclear, description: x}}\n";
  const auto read = ReadWorkflow(folder.path());
  ASSERT_TRUE(read);
  ASSERT_TRUE(read->workflow) << All(*read);
  EXPECT_EQ(read->workflow->language_data->code, "eo");
}

}  // namespace
}  // namespace sotto
