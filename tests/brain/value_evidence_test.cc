#include "brain/value_evidence.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "text/normalise.h"

namespace sotto {
namespace {

using Listed = OfferedArgument::Listed;

bool IsEnglish(std::string_view word) {
  constexpr std::string_view kWords[] = {"token", "broker", "debt", "habit", "chicken", "country", "dress"};
  return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

std::string Named(const std::vector<Listed>& listed, std::string_view text) {
  std::vector<std::string_view> words = SplitWords(text);
  const std::vector<bool> named = NamedValues(listed, words, IsEnglish);
  std::string out;
  for (size_t i = 0; i < listed.size(); ++i)
    if (named[i]) out += (out.empty() ? "" : " ") + listed[i].value;
  return out;
}

const std::vector<Listed> kPeriods{{"last_month", {"last month", "the previous month"}},
                                   {"last_3_months", {"last three months", "last quarter"}},
                                   {"last_year", {"last year", "last twelve months"}}};
const std::vector<Listed> kReasons{{"stolen", {"stolen", "taken", "robbed"}},
                                   {"damaged", {"damaged", "broken", "cracked"}}};
const std::vector<Listed> kAccounts{{"checking", {"checking", "current account"}},
                                    {"savings", {"savings", "saving account"}},
                                    {"credit", {"credit", "credit card"}}};

TEST(NamedValues, AreThoseWhoseFormsWereSaid) {
  EXPECT_EQ(Named(kAccounts, "what is in my current account"), "checking");
  EXPECT_EQ(Named(kAccounts, "from checking to savings please"), "checking savings");
  EXPECT_EQ(Named(kAccounts, "move it to the other one"), "");
}

TEST(NamedValues, AreNotBentToANeighbour) {
  EXPECT_EQ(Named(kPeriods, "statement for the last two years"), "");
  EXPECT_EQ(Named(kPeriods, "the last ten days"), "");
  EXPECT_EQ(Named(kPeriods, "last decade"), "");
  EXPECT_EQ(Named(kPeriods, "the last three months"), "last_3_months");
}

TEST(NamedValues, TheLongerFormIsMeantWhereTwoOverlap) {
  const std::vector<Listed> packs{{"1_gb", {"one", "one gig"}}, {"20_gb", {"twenty one gig"}}};
  EXPECT_EQ(Named(packs, "a twenty one gig pack"), "20_gb");
}

TEST(NamedValues, ForgiveSlipsOfTheKeyboardButNotOtherWords) {
  EXPECT_EQ(Named(kAccounts, "my savngs"), "savings");
  EXPECT_EQ(Named(kAccounts, "my svaings"), "savings");
  EXPECT_EQ(Named(kAccounts, "chekcing balance"), "checking");
  EXPECT_EQ(Named(kReasons, "my card was tkaen"), "stolen");
  EXPECT_EQ(Named(kReasons, "i have a token"), "");
  EXPECT_EQ(Named(kReasons, "my broker said so"), "");
}

TEST(NamedValues, PluralsAreTheSameWord) {
  const std::vector<Listed> usage{{"texts", {"text", "text message"}}, {"minutes", {"minutes"}}};
  EXPECT_EQ(Named(usage, "how many text messages"), "texts");
  EXPECT_EQ(Named(usage, "one minute left"), "minutes");
}

}  // namespace
}  // namespace sotto
