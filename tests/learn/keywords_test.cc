#include "learn/keywords.h"

#include <gmock/gmock.h>

#include "learn/test_workflow.h"

namespace sotto {
namespace {

using testing::ElementsAre;

const std::vector<SeedPattern> kRequests = {
    {"pay_someone", TurnKind::kAsk, "settle the invoice from {payee}"},
    {"pay_someone", TurnKind::kAsk, "the invoice over {amount} please"},
    {"pay_someone", TurnKind::kFill, "from the counter"},
    {"move_money", TurnKind::kAsk, "shuffle {amount} around @to_account=savings"},
    {"move_money", TurnKind::kAsk, "shuffle money for someone please"},
};

TEST(KeywordsTest, AWordOfOneTaskOnlyIsItsKeyword) {
  const auto book = PhraseBook::Load(*TestWorkflow());
  const auto keywords = Keywords(*book, kRequests);
  // "settle" starts requests in general, "please" is both tasks', what answers say does not count.
  EXPECT_THAT(keywords.at("pay_someone"), testing::Contains("invoice"));
  EXPECT_THAT(keywords.at("pay_someone"), testing::Not(testing::Contains("please")));
  EXPECT_THAT(keywords.at("pay_someone"), testing::Not(testing::Contains("counter")));
  EXPECT_THAT(keywords.at("move_money"), testing::Contains("shuffle"));
}

TEST(KeywordsTest, RequestsAreMadeOfThemWhereOtherPatternsAreFew) {
  const auto workflow = TestWorkflow();
  auto book = PhraseBook::Load(*workflow);
  const size_t before = book->ForTool("pay_someone").ask.size();
  EXPECT_GT(AddKeywordPatterns(*workflow, kRequests, before + 1, *book), 0u);
  const auto& asks = book->ForTool("pay_someone").ask;
  ASSERT_GT(asks.size(), before);
  EXPECT_THAT(asks.back().source(), testing::HasSubstr("invoice"));
  EXPECT_EQ(AddKeywordPatterns(*workflow, kRequests, 0, *book), 0u) << "enough is there";
}

TEST(ThesaurusTest, OtherWordsForAnEnumValueNeverMeanAnotherValue) {
  const auto workflow = TestWorkflow();
  for (ToolDef& tool : workflow->tools)
    for (Slot& slot : tool.slots)
      if (slot.entity.type == Entity::Type::kEnum)
        slot.entity.values = {
            {"mobile", "mobile", {}}, {"landline", "landline", {"the phone"}}, {"phone", "phone", {}}};
  const auto book = PhraseBook::Load(*workflow);
  const auto* mobile = book->ValueWords("from_account", "mobile");
  ASSERT_NE(mobile, nullptr);
  EXPECT_THAT(*mobile, testing::Contains("cellular"));
  EXPECT_THAT(*mobile, testing::Not(testing::Contains("cell"))) << "a phone may be called so too";
  EXPECT_EQ(book->ValueWords("from_account", "checking"), nullptr);
}

TEST(ThesaurusTest, EveryMemberOfAGroupStandsForTheOthers) {
  const auto book = PhraseBook::Load(*TestWorkflow());
  const auto* telly = book->Synonyms("telly");
  ASSERT_NE(telly, nullptr);
  EXPECT_THAT(*telly, testing::Contains("television"));
  EXPECT_THAT(*book->Synonyms("television"), testing::Contains("telly"));
  EXPECT_EQ(book->Synonyms("quux"), nullptr);
  // "checking" is an account here: nobody says it for something else.
  for (const char* words : {"check", "verify", "look up"}) {
    const auto* others = book->Synonyms(words);
    ASSERT_NE(others, nullptr);
    EXPECT_THAT(*others, testing::Not(testing::Contains("checking")));
  }
}

}  // namespace
}  // namespace sotto
