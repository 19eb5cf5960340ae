#include "privacy/pseudonyms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sotto {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::shared_ptr<const Detector> English() {
  static const auto detector = *Detector::For("en");
  return detector;
}

std::string Hidden(PseudonymVault& vault, std::string_view text) {
  const auto hidden = vault.HideText(text);
  EXPECT_TRUE(hidden) << hidden.error().message << ": " << text;
  return hidden.value_or("");
}

TEST(PseudonymVault, IsConsistentWithinAConversationAndDiffersBetween) {
  PseudonymVault one(English(), 1);
  PseudonymVault two(English(), 2);
  const std::string text = "pay Jane Doe with 4111 1111 1111 1111";
  const std::string hidden = Hidden(one, text);
  EXPECT_THAT(hidden, Not(HasSubstr("Jane")));
  EXPECT_THAT(hidden, Not(HasSubstr("4111")));
  EXPECT_EQ(Hidden(one, text), hidden);
  EXPECT_NE(Hidden(two, text), hidden);
  EXPECT_EQ(one.RestoreText(hidden), text);
}

TEST(PseudonymVault, KeepsTheFormOfANumberAndTheLastFourOfACard) {
  PseudonymVault vault(English(), 3);
  const std::string hidden = Hidden(vault, "block 4111 1111 1111 1234");
  ASSERT_EQ(hidden.size(), std::string("block 4111 1111 1111 1234").size());
  EXPECT_EQ(hidden.substr(0, 7), "block 9");
  EXPECT_EQ(hidden.substr(10, 1), " ");
  EXPECT_EQ(hidden.substr(21), "1234");
}

TEST(PseudonymVault, WhatIsSaidComesBackInFiguresAsTheAnswerGroupsThem) {
  PseudonymVault vault(English(), 4);
  const std::string hidden =
      Hidden(vault, "my card is four one one one one one one one one one one one one one one one");
  ASSERT_EQ(hidden.substr(0, 11), "my card is ");
  const std::string pseudonym = hidden.substr(11);
  ASSERT_EQ(pseudonym.size(), 16U) << hidden;
  EXPECT_EQ(vault.RestoreText(pseudonym), "4111111111111111");
  const std::string grouped = pseudonym.substr(0, 4) + " " + pseudonym.substr(4, 4) + "-" +
                              pseudonym.substr(8, 4) + " " + pseudonym.substr(12);
  EXPECT_EQ(vault.RestoreText("It is " + grouped + "."), "It is 4111 1111-1111 1111.");
  // The same number, typed later, is the same pseudonym.
  EXPECT_EQ(Hidden(vault, "4111111111111111"), pseudonym);
  EXPECT_EQ(vault.RestoreJson(Json{{"card", pseudonym}, {"n", std::stoll(pseudonym)}}),
            (Json{{"card", "4111111111111111"}, {"n", 4111111111111111}}));
}

TEST(PseudonymVault, RestoresNamesInAnyCaseAndWithinCalls) {
  PseudonymVault vault(English(), 5);
  const std::string hidden = Hidden(vault, "my name is jane doe");
  const std::string name = hidden.substr(11);
  std::string capitals = name;
  for (char& c : capitals)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  EXPECT_EQ(vault.RestoreText("Hello " + capitals + "'s friend"), "Hello jane doe's friend");
  const ToolCall call = vault.RestoreCall({"pay", Json{{"payee", name}, {"to", {name, 7}}}});
  EXPECT_EQ(call.arguments, (Json{{"payee", "jane doe"}, {"to", {"jane doe", 7}}}));
  // Part of a longer word is another word.
  const std::string first = name.substr(0, name.find(' '));
  EXPECT_EQ(vault.RestoreText(first + "x"), first + "x");
}

TEST(PseudonymVault, ScansEarlierTurnsAndTheirCalls) {
  Conversation conversation;
  conversation.turns.push_back({"my pin is four three two one", {}, {{"reset_pin", Json{{"pin", "4321"}}}}});
  conversation.turns.push_back({"what is your card number", {}, {}});
  Expectation asked;
  asked.kind = Expectation::Kind::kSlots;
  asked.slots = {"phone_number"};
  conversation.turns.push_back({"five five five one two three", asked, {}});
  PseudonymVault vault(English(), 6);
  const auto hidden = vault.HideConversation(conversation);
  ASSERT_TRUE(hidden) << hidden.error().message;
  EXPECT_THAT(hidden->turns[0].user, Not(HasSubstr("four")));
  EXPECT_THAT(hidden->turns[0].calls[0].arguments.dump(), Not(HasSubstr("4321")));
  EXPECT_THAT(hidden->turns[2].user, Not(HasSubstr("five")));
  EXPECT_EQ(vault.counts()[static_cast<size_t>(PersonalKind::kPhone)], 1U);
}

TEST(PseudonymVault, ANameThatIsKnownIsHiddenWhereverItStands) {
  PseudonymVault vault(English(), 7);
  const std::string first = Hidden(vault, "my name is Vexilka Brontel");
  const std::string later = Hidden(vault, "and vexilka again");
  EXPECT_THAT(later, Not(HasSubstr("vexilka")));
  EXPECT_EQ(vault.RestoreText(later), "and Vexilka again");
}

TEST(PseudonymVault, ATextWithAPseudonymInItStays) {
  PseudonymVault vault(English(), 8);
  const std::string hidden = Hidden(vault, "card 4111 1111 1111 1111");
  const auto again = vault.HideText(hidden);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(again.error().message, Not(HasSubstr("4111")));
}

// A stream cut at every byte, and at every byte by itself.
TEST(StreamRestorer, GivesTheSameWhereverTheStreamIsCut) {
  PseudonymVault vault(English(), 9);
  const std::string text =
      "Send 4111 1111 1111 1111 to Jane Doe, jane@example.com, 42 Elm Street. Jane's number is "
      "555-123-4567 — ok? 1.5 äß";
  const std::string hidden = Hidden(vault, text);
  ASSERT_NE(hidden, text);
  const std::string whole = vault.RestoreText(hidden);
  EXPECT_EQ(whole, text);
  for (size_t cut = 0; cut <= hidden.size(); ++cut) {
    StreamRestorer restorer(vault);
    std::string out = restorer.Feed(std::string_view(hidden).substr(0, cut));
    out += restorer.Feed(std::string_view(hidden).substr(cut));
    out += restorer.Finish();
    ASSERT_EQ(out, whole) << "cut at " << cut;
  }
  StreamRestorer restorer(vault);
  std::string out;
  for (const char c : hidden) out += restorer.Feed(std::string_view(&c, 1));
  EXPECT_GT(out.size() + 40, whole.size()) << "it holds back more than what may be a pseudonym";
  out += restorer.Finish();
  EXPECT_EQ(out, whole);
}

TEST(StreamRestorer, PassesOnWhatIsNoPseudonymAtOnce) {
  PseudonymVault vault(English(), 10);
  ASSERT_TRUE(vault.HideText("4111 1111 1111 1111"));
  StreamRestorer restorer(vault);
  EXPECT_EQ(restorer.Feed("Your balance is 12"), "Your balance is 12");
  EXPECT_EQ(restorer.Feed("0 dollars"), "0 dollars");
  EXPECT_EQ(restorer.Finish(), "");
}

}  // namespace
}  // namespace sotto
