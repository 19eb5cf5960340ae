#include "text/said_digits.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "text/normalise.h"

namespace sotto {
namespace {

std::vector<std::string> Said(std::string_view text, size_t n_digits) {
  const std::string spoken = NormaliseSpoken(text);
  std::vector<std::string> said =
      SaidDigits(SplitWords(spoken), ReadNumbers(text, {.homophones = true}), n_digits);
  std::sort(said.begin(), said.end());
  said.erase(std::unique(said.begin(), said.end()), said.end());
  return said;
}

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

TEST(SaidDigitsTest, AWholeNumberOfTheLength) {
  EXPECT_THAT(Said("it ends in four five three two", 4), ElementsAre("4532"));
  EXPECT_THAT(Said("4532", 4), ElementsAre("4532"));
}

TEST(SaidDigitsTest, PartOfAnotherNumberIsNone) {
  EXPECT_THAT(Said("my zip code is three oh three oh five", 4), IsEmpty());
  EXPECT_THAT(Said("30305", 4), IsEmpty());
  EXPECT_THAT(Said("four five three", 4), IsEmpty());
}

TEST(SaidDigitsTest, TheLastOfALongNumber) {
  EXPECT_THAT(Said("4000 1234 5678 9010", 4), Contains("9010"));
  EXPECT_THAT(Said("4000123456789010", 4), ElementsAre("9010"));
  EXPECT_THAT(Said("4000 1234 5678 9010", 6), IsEmpty());
}

TEST(SaidDigitsTest, WordsThatCountOrPointAreNoDigits) {
  EXPECT_THAT(Said("the last four, five five three one", 4), Contains("5531"));
  EXPECT_THAT(Said("that one, four five three two", 4), Contains("4532"));
}

TEST(SaidDigitsTest, AcrossWordsBetween) {
  EXPECT_THAT(Said("it's 45 then 32", 4), ElementsAre("4532"));
  EXPECT_THAT(Said("4 5 3 and then 2", 4), ElementsAre("4532"));
  EXPECT_THAT(Said("three nines and a one", 4), ElementsAre("9991"));
  EXPECT_THAT(Said("a one a two a three and a four", 4), ElementsAre("1234"));
  EXPECT_THAT(Said("the number is 1111 2222 3333 4532", 4), ElementsAre("4532"));
  EXPECT_THAT(Said("45,32", 4), ElementsAre("4532"));
  EXPECT_THAT(Said("cancel 4532 and 40 dollars are gone", 4), ElementsAre("4532"));
}

TEST(SaidDigitsTest, WhatIsTakenBackIsNotSaid) {
  EXPECT_THAT(Said("4532 no sorry 4533", 4), ElementsAre("4533"));
  EXPECT_THAT(Said("four five three two no three three", 4), ElementsAre("4533"));
  EXPECT_THAT(Said("not 4532, 7788", 4), ElementsAre("7788"));
  EXPECT_THAT(Said("4532 or 4533", 4), IsEmpty());
}

TEST(SaidDigitsTest, YearsAndMoneyAreNoDigits) {
  EXPECT_THAT(Said("january nineteen ninety eight", 4), IsEmpty());
  EXPECT_THAT(Said("1500 dollars", 4), IsEmpty());
  EXPECT_THAT(Said("2 million", 1), IsEmpty());
}

TEST(SaidDigitsTest, OtherLengths) {
  const auto other = [](std::string_view text) {
    return OtherDigits(SplitWords(text), ReadNumbers(text), 4);
  };
  EXPECT_THAT(other("four five"), ElementsAre("45"));
  EXPECT_THAT(other("four five three two one"), ElementsAre("45321"));
  EXPECT_THAT(other("the last four are"), IsEmpty());
  EXPECT_THAT(other("three cards"), IsEmpty());
  EXPECT_THAT(other("4532"), IsEmpty());
}

TEST(SaidDigitsTest, AnyLength) { EXPECT_THAT(Said("one two three", 0), Contains("123")); }

}  // namespace
}  // namespace sotto
