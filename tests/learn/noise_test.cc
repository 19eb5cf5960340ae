#include "learn/noise.h"

#include <gmock/gmock.h>

namespace sotto {
namespace {

TEST(NoiseTest, NoneChangesNothing) {
  Random random(1);
  SpokenWords words = ToWords("Move 200 dollars, please");
  AddNoise(words, {}, Confusions::BuiltIn(), random);
  EXPECT_EQ(ToText(words), "Move 200 dollars, please");
}

TEST(NoiseTest, FreeTextStaysAndValuesTurnOnlyIntoHomophones) {
  Confusions confusions;
  confusions.Add("savings", "save ins");
  Random random(2);
  const NoiseLevel level{.word_errors = 1};
  for (int i = 0; i < 200; ++i) {
    SpokenWords words = ToWords("please send it to");
    Append(words, ToWords("Brenlow Valley", SpokenWord::Carries::kText, "payee"));
    Append(words, ToWords("from"));
    Append(words, ToWords("savings checking", SpokenWord::Carries::kValue, "account"));
    AddNoise(words, level, confusions, random);
    const std::string text = ToText(words);
    EXPECT_THAT(text, testing::HasSubstr("Brenlow Valley"));
    EXPECT_THAT(text, testing::HasSubstr("save ins checking"));
  }
}

TEST(NoiseTest, TheRateIsAboutWhatWasAsked) {
  Random random(3);
  size_t changed = 0;
  size_t words = 0;
  for (int i = 0; i < 400; ++i) {
    SpokenWords sentence = ToWords("could you transfer some money between those accounts tomorrow morning");
    const SpokenWords before = sentence;
    words += sentence.size();
    AddNoise(sentence, {.word_errors = 0.1}, Confusions::BuiltIn(), random);
    std::string after = " " + ToText(sentence) + " ";
    for (const SpokenWord& word : before) changed += after.find(" " + word.text + " ") == std::string::npos;
  }
  const double rate = static_cast<double>(changed) / static_cast<double>(words);
  EXPECT_GT(rate, 0.06);
  EXPECT_LT(rate, 0.14);
}

TEST(NoiseTest, CorruptionKeepsTheValuesOfTheCalls) {
  Conversation conversation;
  Turn turn;
  turn.user = "pay the Verizon people 1250.50 from savings please, four five three two";
  turn.calls.push_back({"pay", {{"payee", "Verizon"}, {"amount", 1250.5}, {"from_account", "savings"}}});
  const Confusions confusions;  // no homophones: values cannot change
  Random random(4);
  bool any = false;
  for (int i = 0; i < 50; ++i) {
    conversation.turns = {turn};
    CorruptConversation(conversation, 0.5, confusions, random);
    for (const char* word : {"Verizon", "1250.50", "savings", "four five three two"})
      EXPECT_THAT(conversation.turns[0].user, testing::HasSubstr(word));
    any = any || conversation.turns[0].user != turn.user;
  }
  EXPECT_TRUE(any);
}

TEST(NoiseTest, TheSameSeedCorruptsTheSameWay) {
  Conversation a;
  a.turns.resize(1);
  a.turns[0].user = "i would like to check the balance of my account please";
  Conversation b = a;
  Random first(8);
  Random second(8);
  CorruptConversation(a, 0.3, Confusions::BuiltIn(), first);
  CorruptConversation(b, 0.3, Confusions::BuiltIn(), second);
  EXPECT_EQ(a.turns[0].user, b.turns[0].user);
}

TEST(ConfusionsTest, AWrongFileIsNamedWithItsLine) {
  Confusions confusions;
  EXPECT_FALSE(confusions.AddFile("/nowhere/confusions.tsv"));
}

}  // namespace
}  // namespace sotto
