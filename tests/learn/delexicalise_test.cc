#include "learn/delexicalise.h"

#include <gmock/gmock.h>

#include "learn/paraphrase.h"
#include "learn/sketch.h"
#include "learn/test_workflow.h"

namespace sotto {
namespace {

Turn Said(std::string user, std::string tool, Json arguments) {
  Turn turn;
  turn.user = std::move(user);
  turn.calls.push_back({std::move(tool), std::move(arguments)});
  return turn;
}

std::vector<std::string> Patterns(const Conversation& conversation) {
  const auto workflow = TestWorkflow();
  const auto book = PhraseBook::Load(*workflow);
  std::vector<std::string> texts;
  for (const SeedPattern& pattern : Delexicalise(*workflow, *book, conversation)) {
    const char* kind = pattern.kind == TurnKind::kAsk    ? "ask"
                       : pattern.kind == TurnKind::kFill ? "fill"
                                                         : "next";
    texts.push_back(std::string(kind) + ": " + pattern.text);
  }
  return texts;
}

TEST(DelexicaliseTest, ValuesBecomeHoles) {
  Conversation conversation;
  conversation.turns = {
      Said("Pay um Verizon $1,200.50", "pay_someone", {{"payee", "Verizon"}, {"amount", 1200.5}}),
      Said("with card ending in four five three two", "pay_someone",
           {{"payee", "Verizon"}, {"amount", 1200.5}, {"card", "4532"}}),
      Said("move two hundred dollars from checking to savings", "move_money",
           {{"amount", 200}, {"from_account", "checking"}, {"to_account", "savings"}})};
  EXPECT_THAT(Patterns(conversation),
              testing::ElementsAre("ask: pay um {payee} {amount}", "fill: with card ending in {card}",
                                   "ask: move {amount} from {from_account} to {to_account}"));
}

TEST(DelexicaliseTest, WhatIsOnlyImpliedIsMarked) {
  Conversation conversation;
  conversation.turns = {
      Said("move 50 from save ins", "move_money", {{"amount", 50}, {"from_account", "savings"}})};
  EXPECT_THAT(Patterns(conversation),
              testing::ElementsAre("ask: move {amount} from save ins @from_account=savings"));
}

TEST(DelexicaliseTest, InheritedArgumentsMakeAFollowUp) {
  Conversation conversation;
  conversation.turns = {
      Said("pay Bob 20", "pay_someone", {{"payee", "Bob"}, {"amount", 20}}),
      Said("and move that to savings", "move_money", {{"amount", 20}, {"to_account", "savings"}})};
  EXPECT_THAT(Patterns(conversation),
              testing::ElementsAre("ask: pay {payee} {amount}", "next: and move that to {to_account}"));
}

TEST(DelexicaliseTest, NothingIsMadeOfWhatNobodySaid) {
  Conversation conversation;
  conversation.turns = {Said("pay him", "pay_someone", {{"payee", "Bob"}})};
  EXPECT_THAT(Patterns(conversation), testing::IsEmpty());
}

TEST(SketchTest, NamesAloneGiveRequestsAndAnswers) {
  auto workflow = TestWorkflow();
  for (ToolDef& tool : workflow->tools) tool.examples.clear();
  auto book = PhraseBook::Load(*workflow);
  ASSERT_TRUE(book);
  EXPECT_GT(AddSketchedPatterns(*workflow, 5, *book), 10u);
  std::vector<std::string> asks;
  for (const Pattern& pattern : book->ForTool("move_money").ask) asks.push_back(pattern.source());
  EXPECT_THAT(asks, testing::Contains(testing::HasSubstr("outta|off)[ my] {from_account}")));
  EXPECT_FALSE(book->ForTool("pay_someone").fill.empty());
  EXPECT_FALSE(book->ForTool("move_money").again.empty()) << "and to savings";
  EXPECT_FALSE(book->ForTool("pay_someone").next.empty()) << "and pay that one";
}

TEST(SketchTest, WhatSomebodyWroteAlsoComesWithAValueSaidLate) {
  auto workflow = TestWorkflow();
  workflow->tools[1].examples = {"settle the dinner with {payee}"};
  auto book = PhraseBook::Load(*workflow);
  ASSERT_TRUE(book);
  AddSketchedPatterns(*workflow, 5, *book);
  std::vector<std::string> late;
  for (const Pattern& pattern : book->ForTool("pay_someone").ask)
    if (pattern.source().find("dinner") != std::string::npos) late.push_back(pattern.source());
  EXPECT_THAT(late, testing::Contains(testing::HasSubstr("{amount}")));
  EXPECT_THAT(late, testing::Contains(testing::HasSubstr("{card}")));
}

TEST(SketchTest, WhoWroteEnoughIsLeftAlone) {
  const auto workflow = TestWorkflow();
  auto book = PhraseBook::Load(*workflow);
  ASSERT_TRUE(book);
  const size_t asks = book->ForTool("move_money").ask.size();
  AddSketchedPatterns(*workflow, asks, *book);
  EXPECT_EQ(book->ForTool("move_money").ask.size(), asks);
  EXPECT_TRUE(book->ForTool("move_money").again.empty());
}

TEST(ParaphraseTest, RequestsBeginAndSayOtherwiseGreetingsDoNot) {
  const auto workflow = TestWorkflow();
  const auto book = PhraseBook::Load(*workflow);
  ASSERT_TRUE(book);
  const ToolDef& pay = *workflow->FindTool("pay_someone");
  const std::string said = Paraphrase(*book, pay, TurnKind::kAsk, "i need to pay the phone bill of {payee}");
  EXPECT_THAT(said, testing::StartsWith("<do>"));
  EXPECT_THAT(said, testing::HasSubstr("bill|invoice|bill|")) << "its own words half of the time";
  EXPECT_THAT(said, testing::Not(testing::HasSubstr("salary"))) << "words have one meaning in the thesaurus";
  EXPECT_THAT(said, testing::HasSubstr("{payee}"));
  const ToolDef& greeting = *workflow->FindTool("greeting");
  EXPECT_EQ(Paraphrase(*book, greeting, TurnKind::kAsk, "good afternoon"), "good afternoon");
}

}  // namespace
}  // namespace sotto
