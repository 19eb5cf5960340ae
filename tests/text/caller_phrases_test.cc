#include "text/caller_phrases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/language_data.h"

namespace sotto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CallerPhrases, AreListsAndFrames) {
  const auto phrases =
      CallerPhrases::Parse("# a comment\n[yes]\nja\njawohl\n\n[choices]\n{}\nmein {} (konto)\n", "xx");
  ASSERT_TRUE(phrases) << phrases.error().message;
  EXPECT_THAT(phrases->yes, ElementsAre("ja", "jawohl"));
  ASSERT_EQ(phrases->choices.size(), 2u);
  EXPECT_EQ(phrases->choices[1].text, "mein {} konto");
  EXPECT_EQ(phrases->choices[1].thing, "konto");
  EXPECT_EQ(phrases->choices[0].thing, "");
}

TEST(CallerPhrases, NameTheLineThatIsWrong) {
  const auto error = [](std::string_view text) {
    const auto phrases = CallerPhrases::Parse(text, "xx/callers.txt");
    return phrases ? std::string() : phrases.error().message;
  };
  EXPECT_THAT(error("ja\n"), HasSubstr("xx/callers.txt:1: a phrase before"));
  EXPECT_THAT(error("[yes]\nja\n[yess]\n"),
              HasSubstr("xx/callers.txt:3: no section [yess]; there are choices, "));
  EXPECT_THAT(error("[choices]\nmein konto\n"), HasSubstr("xx/callers.txt:2: a choice has {}"));
  EXPECT_THAT(error("[choices]\n(mein) {}\n"), HasSubstr("xx/callers.txt:2"));
  EXPECT_THAT(error("[choices]\n{} (konto\n"), HasSubstr("xx/callers.txt:2"));
}

// Every list is there, in words that a recogniser can have.
TEST(CallerPhrases, OfTheLanguagesThatAreCompiledIn) {
  for (const std::string& code : LanguageCodes()) {
    const auto phrases = CallerPhrases::For(code);
    ASSERT_TRUE(phrases) << phrases.error().message;
    for (const auto* list : {&phrases->controls, &phrases->yes, &phrases->no, &phrases->before_requests,
                             &phrases->after_requests, &phrases->before_digits, &phrases->before_amounts,
                             &phrases->days, &phrases->times, &phrases->lengths, &phrases->ranges}) {
      EXPECT_FALSE(list->empty());
      for (const std::string& phrase : *list) {
        EXPECT_EQ(phrase.find_first_not_of("abcdefghijklmnopqrstuvwxyz' "), std::string::npos) << phrase;
      }
    }
    EXPECT_FALSE(phrases->choices.empty());
  }
  const auto none = CallerPhrases::For("xx");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->controls.empty());
}

}  // namespace
}  // namespace sotto
