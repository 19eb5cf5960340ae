// The desk that terminal and page share: answers, near-duplicates, undoing, second opinions, rights.
#include "flywheel/label_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "log_records.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

class Desk : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto store = *TurnStore::Open(folder_ / "turns.sqlite");
    for (const char* id : {"a", "b", "c"}) {
      LoggedSession session(id);
      session.Say("can you send me a chequebook", {{"intent_unclear", Json::object()}}, 0.2).outcome =
          TurnRecord::Outcome::kNotUnderstood;
      ASSERT_TRUE(store->AddAll(session.records, "live"));
    }
    LoggedSession other("d");
    other.Say("what is it that i have", {{"check_balance", {{"account_type", "savings"}}}}, 0.4).outcome =
        TurnRecord::Outcome::kNotUnderstood;
    ASSERT_TRUE(store->AddAll(other.records, "live"));
  }

  std::unique_ptr<LabelDesk> Open(double second = 0) {
    LabelDesk::Options options;
    options.input.store = folder_ / "turns.sqlite";
    options.queue.second = second;
    options.registry = folder_ / "registry";
    options.rights_file = folder_ / "labellers";
    options.nobody = "anybody";
    return std::make_unique<LabelDesk>(BankingWorkflow(), options);
  }

  TempFolder folder_;
};

TEST_F(Desk, TakesAnswersAndGivesThemToWhatIsTheSame) {
  const auto desk = Open();
  LabelDesk::Page page = *desk->Next("ana", 10, true);
  ASSERT_EQ(page.items.size(), 2U);
  EXPECT_EQ(page.items[0].count, 3U);
  ASSERT_EQ(page.like_words[0].size(), 2U);
  EXPECT_EQ(page.like_words[0][0], "can you send me a chequebook");
  LabelDesk::Answer answer{page.items[0].session, page.items[0].turn, "n", "", {page.items[0].like[1]}};
  const auto labels = desk->Give("ana", answer);
  ASSERT_TRUE(labels) << labels.error().message;
  EXPECT_EQ(labels->size(), 2U);  // one was taken out
  EXPECT_EQ((*labels)[0].calls[0].name, "intent_unclear");
  EXPECT_EQ((*labels)[0].reason, "nothing that is served");
  EXPECT_EQ(desk->Give("ana", answer).error().code, ErrorCode::kNotFound);
  page = *desk->Next("ana", 10, true);
  EXPECT_EQ(page.labelled, 2U);
  EXPECT_EQ(page.waiting, 2U);  // what was taken out waits by itself
  EXPECT_EQ(*desk->Undo("ana"), 2U);
  EXPECT_EQ(*desk->Undo("ana"), 0U);
  EXPECT_EQ(desk->Next("ana", 10, true)->labelled, 0U);
}

TEST_F(Desk, AnswersAreNumbersLettersOrCalls) {
  const auto desk = Open();
  const LabelDesk::Page page = *desk->Next("ana", 10, true);
  const LabelItem& item = page.items[1];
  const Workflow& workflow = *BankingWorkflow();
  EXPECT_EQ(ChooseLabel(item, "1", workflow)->calls[0].name, "check_balance");
  EXPECT_THAT(ChooseLabel(item, "1", workflow)->reason, HasSubstr("chosen: understood"));
  EXPECT_TRUE(ChooseLabel(item, "?", workflow)->calls.empty());
  const auto typed = ChooseLabel(item, "check_balance(account_type=checking); thank_you()", workflow);
  ASSERT_TRUE(typed) << typed.error().message;
  EXPECT_EQ(typed->calls.size(), 2U);
  EXPECT_TRUE(ChooseLabel(item, "pay_bill(payee=\"<name_1>\", amount=50)", workflow));
  for (const char* wrong :
       {"", "9", "0", "x", "hello()", "check_balance(account_type", "check_balance(account_type=bananas)",
        "pay_bill(amount=-5)", "pay_bill(amount=abc)", "cancel_card(card_last_four=45)"})
    EXPECT_FALSE(ChooseLabel(item, wrong, workflow)) << wrong;
}

TEST_F(Desk, SecondOpinionsMeasureAgreement) {
  const auto desk = Open(1.0);
  const LabelDesk::Page waiting = *desk->Next("ana", 10, true);
  for (const LabelItem& item : waiting.items)
    ASSERT_TRUE(desk->Give("ana", {item.session, item.turn, "n", "", {}}));
  const LabelDesk::Page page = *desk->Next("ben", 10, true);
  ASSERT_EQ(page.items.size(), 2U);
  EXPECT_EQ(page.items[0].why, "second opinion");
  ASSERT_TRUE(desk->Give("ben", {page.items[0].session, page.items[0].turn, "?", "", {}}));
  const Json agreement = *desk->Agreement();
  EXPECT_EQ(agreement["turns"], 1);
  EXPECT_EQ(agreement["calls"]["pairs"][0]["same"], 0);
  EXPECT_EQ(agreement["differ"][0]["said"].size(), 2U);
  // Nobody is asked for their own again, and a third is not asked at all.
  EXPECT_EQ(desk->Next("ana", 10, true)->waiting, 0U);
  EXPECT_EQ(desk->Next("cy", 10, true)->waiting, 1U);
}

TEST_F(Desk, LetsWhoMayLabel) {
  const auto desk = Open();
  EXPECT_TRUE(desk->Next("ana", 1, true));
  EXPECT_THAT(desk->Next("anybody", 1, false).error().message, HasSubstr("has an author"));
  ASSERT_TRUE(WriteFileAtomically(folder_ / "labellers", "ben\n"));
  EXPECT_THAT(desk->Next("ana", 1, false).error().message, HasSubstr("'ana' may not label"));
  EXPECT_TRUE(desk->Next("ben", 1, false));
  std::filesystem::create_directories(folder_ / "registry");
  ASSERT_TRUE(WriteFileAtomically(folder_ / "registry" / "people", "ana: label\nben: promote\n"));
  EXPECT_TRUE(desk->Next("ana", 1, false));
  const LabelItem item = desk->Next("ana", 1, false)->items[0];
  EXPECT_FALSE(desk->Give("ben", {item.session, item.turn, "n", "", {}}));
}

TEST_F(Desk, KeepsNoNumberOfACallersThatSomebodyWroteBeside) {
  const auto desk = Open();
  const LabelItem item = desk->Next("ana", 1, true)->items[0];
  ASSERT_TRUE(desk->Give("ana", {item.session,
                                 item.turn,
                                 "pay_bill(payee=\"jane.doe@example.org\")",
                                 "she said 4111 1111 1111 1111",
                                 {}}));
  LabelStore store = *LabelStore::Open(folder_ / "turns.sqlite");
  const Label label = store.Standing()->front();
  EXPECT_EQ(label.reason, "she said <card>");
  EXPECT_EQ(label.calls[0].arguments["payee"], "<email_1>");
}

}  // namespace
}  // namespace sotto
