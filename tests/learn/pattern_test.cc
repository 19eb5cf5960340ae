#include "learn/pattern.h"

#include <gmock/gmock.h>

#include <set>

namespace sotto {
namespace {

std::string Text(const std::vector<Piece>& pieces) {
  std::string text;
  for (const Piece& piece : pieces)
    text += piece.kind == Piece::Kind::kWords ? piece.text : "{" + piece.text + piece.form + "}";
  return text;
}

TEST(PatternTest, ExpandsChoicesOptionsAndMacros) {
  const Macros macros = {{"do", "|please |can you "}};
  const auto pattern = Pattern::Parse("<do>move (it|that)[ now]", macros);
  ASSERT_TRUE(pattern) << pattern.error().message;
  EXPECT_EQ(pattern->n_expansions(), 12);
  Random random(1);
  std::set<std::string> seen;
  for (int i = 0; i < 500; ++i) seen.insert(Text(pattern->Expand(random)));
  EXPECT_EQ(seen.size(), 12u);
  EXPECT_TRUE(seen.contains("can you move that now"));
  EXPECT_TRUE(seen.contains("move it"));
}

TEST(PatternTest, KnowsItsSlotsAndWhatWordsImply) {
  const auto pattern = Pattern::Parse("i lost my {card_type} card @reason=lost for {amount:bare}");
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->slots(), testing::ElementsAre("card_type", "reason", "amount"));
  Random random(1);
  const std::vector<Piece> pieces = pattern->Expand(random);
  const auto implied = std::find_if(pieces.begin(), pieces.end(),
                                    [](const Piece& piece) { return piece.kind == Piece::Kind::kImplied; });
  ASSERT_NE(implied, pieces.end());
  EXPECT_EQ(implied->text, "reason");
  EXPECT_EQ(implied->form, "lost");
  EXPECT_EQ(pieces.back().form, "bare");
}

TEST(PatternTest, SaysWhereAPatternIsWrong) {
  for (const char* text : {"(a|b", "a)", "[a", "{slot", "@reason", "<none>", "a|b", "{}", "a]"}) {
    const auto pattern = Pattern::Parse(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_EQ(pattern.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(pattern.error().message, testing::HasSubstr("'"));
  }
}

TEST(PatternTest, MacrosThatContainThemselvesAreAnErrorNotACrash) {
  const Macros macros = {{"a", "x <b>"}, {"b", "y <a>"}};
  EXPECT_FALSE(Pattern::Parse("<a>", macros));
}

}  // namespace
}  // namespace sotto
