#include "text/said_digits.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "text/normalise.h"

namespace sotto {
namespace {

std::vector<std::string> Said(std::string_view text, size_t n_digits) {
  const std::string spoken = NormaliseSpoken(text);
  const auto words = SplitWords(spoken);
  std::vector<std::string> said = SaidDigits(words, ReadNumbers(words, {.homophones = true}), n_digits);
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
}

TEST(SaidDigitsTest, WordsThatCountOrPointAreNoDigits) {
  EXPECT_THAT(Said("the last four, five five three one", 4), Contains("5531"));
  EXPECT_THAT(Said("that one, four five three two", 4), Contains("4532"));
}

TEST(SaidDigitsTest, AnyLength) { EXPECT_THAT(Said("one two three", 0), Contains("123")); }

}  // namespace
}  // namespace sotto
