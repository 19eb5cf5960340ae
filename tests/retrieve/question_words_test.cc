// Words of questions: which stand for one another, and which are everyday ones.
#include "retrieve/question_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Likes(const QuestionWords& words, const TermReader& reader, std::string_view text) {
  std::vector<std::string> out;
  const std::vector<Term> terms = reader.Terms(text, true);
  for (const QuestionWords::Like& like : words.LikesOf(terms))
    out.push_back(like.stem + ">" + (like.of < terms.size() ? terms[like.of].text : ""));
  return out;
}

TEST(QuestionWords, FindOneAnother) {
  const auto reader = TermReader::Create("en");
  ASSERT_TRUE(reader);
  const auto words = QuestionWords::Parse("# a note\nyearly, annual, every year\ncash machine, atm\n",
                                          "*\t100\nweather\t25\n", *reader);
  ASSERT_TRUE(words) << words.error().message;
  EXPECT_THAT(Likes(**words, *reader, "what is the yearly cost"), ElementsAre("annual>year"));
  EXPECT_THAT(Likes(**words, *reader, "what does it cost every year"), ElementsAre("annual>everi"));
  EXPECT_THAT(Likes(**words, *reader, "limit of a cash machine"), ElementsAre("atm>cash"));
  EXPECT_THAT(Likes(**words, *reader, "a machine for cash"), ElementsAre());
  EXPECT_NEAR((*words)->Everyday("weather"), 25.0 / 101, 1e-9);
  EXPECT_NEAR((*words)->Everyday("overdraft"), 0.5 / 101, 1e-9);
}

TEST(QuestionWords, MistakesAreNamed) {
  const auto reader = TermReader::Create("en");
  ASSERT_TRUE(reader);
  EXPECT_THAT(QuestionWords::Parse("a, , b\n", "", *reader).error().message, HasSubstr("like.txt:1"));
  EXPECT_THAT(QuestionWords::Parse("\nyearly\n", "", *reader).error().message, HasSubstr("like.txt:2"));
  EXPECT_THAT(QuestionWords::Parse("", "*\t10\nword\n", *reader).error().message,
              HasSubstr("everyday.tsv:2"));
}

TEST(QuestionWords, OfTheLanguagesThereAreCanBeRead) {
  for (const char* language : {"en", "de"}) {
    const auto reader = TermReader::Create(language);
    ASSERT_TRUE(reader);
    const auto words = QuestionWords::For(*reader);
    ASSERT_TRUE(words) << words.error().message;
    EXPECT_EQ((*words)->knows_everyday(), std::string_view(language) == "en");
  }
}

}  // namespace
}  // namespace sotto
