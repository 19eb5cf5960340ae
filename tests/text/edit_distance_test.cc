#include "text/edit_distance.h"

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <string_view>

namespace sotto {
namespace {

using std::string_view_literals::operator""sv;

TEST(EditDistance, CountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(EditDistance(""sv, ""sv), 0u);
  EXPECT_EQ(EditDistance("kitten"sv, "sitting"sv), 3u);
  EXPECT_EQ(EditDistance(""sv, "abc"sv), 3u);
  const std::vector<std::string> said = {"move", "two", "hundred"};
  const std::vector<std::string> heard = {"move", "to", "hundred", "now"};
  EXPECT_EQ(EditDistance(said, heard), 2u);
}

TEST(EditDistance, ASwapOfNeighboursIsOneEditWhereSwapsCount) {
  EXPECT_EQ(EditDistance("savings"sv, "savigns"sv), 2u);
  EXPECT_EQ(EditDistance("savings"sv, "savigns"sv, Edits::kSwaps), 1u);
}

TEST(EditDistance, ComparesAsItIsTold) {
  const auto same = [](char x, char y) { return std::toupper(x) == std::toupper(y); };
  EXPECT_EQ(EditDistance("Amount"sv, "aMOUNT"sv, Edits::kPlain, same), 0u);
}

TEST(EditDistance, WithinIsExact) {
  EXPECT_TRUE(WithinEdits("checking"sv, "chequing"sv, 2));
  EXPECT_FALSE(WithinEdits("checking"sv, "chequing"sv, 1));
  EXPECT_FALSE(WithinEdits("a"sv, "abcd"sv, 2));
  EXPECT_TRUE(WithinEdits("same"sv, "same"sv, 0));
}

}  // namespace
}  // namespace sotto
