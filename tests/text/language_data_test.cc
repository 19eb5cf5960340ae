#include "text/language_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/consent.h"
#include "text/normalise.h"
#include "text/speech_act.h"

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kEsperanto = SOTTO_SOURCE_DIR "/tests/data/languages/eo";

TEST(ExpandPattern, GivesEveryAlternativeInOrder) {
  EXPECT_THAT(*ExpandPattern("(yes|ok) [please]"), ElementsAre("yes please", "yes", "ok please", "ok"));
  EXPECT_THAT(*ExpandPattern("a(b|c(d|))e"), ElementsAre("abe", "acde", "ace"));
  EXPECT_THAT(ExpandPattern("(a|b").error().message, HasSubstr("not closed"));
  EXPECT_THAT(ExpandPattern("a)").error().message, HasSubstr("without an opening"));
  EXPECT_THAT(ExpandPattern("(a|b|c)(a|b|c)(a|b|c)", 10).error().message, HasSubstr("too many"));
}

TEST(PhraseList, MatchesTheLongestWhereItMay) {
  PhraseList list;
  ASSERT_TRUE(list.Add("(go|go ahead|that's right)"));
  ASSERT_TRUE(list.Add("^ stop"));
  ASSERT_TRUE(list.Add("no $"));
  ASSERT_TRUE(list.Add("my _ said"));
  const auto at = [&](std::string_view text, size_t position, bool beginning = false) {
    return list.MatchesAt(SplitWords(text), position, beginning);
  };
  EXPECT_EQ(at("go ahead now", 0), 2u);
  EXPECT_EQ(at("thats right", 0), 2u);
  EXPECT_EQ(at("please stop", 1), 0u);
  EXPECT_EQ(at("please stop", 1, true), 1u);
  EXPECT_EQ(at("no way", 0), 0u);
  EXPECT_EQ(at("oh no", 1), 1u);
  EXPECT_EQ(at("my wife said", 0), 3u);
}

TEST(Language, EnglishIsCompiledIn) {
  ASSERT_TRUE(LanguageFor("en")) << LanguageFor("en").error().message;
  EXPECT_EQ((*LanguageFor("en"))->code, "en");
}

TEST(Language, AnUnknownOneNamesWhatThereIs) {
  EXPECT_THAT(LanguageFor("tlh").error().message, HasSubstr("no language 'tlh'; there are: en"));
}

TEST(Language, ASecondOneIsAFolder) {
  const auto read = ReadLanguage(kEsperanto);
  ASSERT_TRUE(read) << read.error().message;
  const LanguageData& eo = **read;
  EXPECT_EQ(eo.code, "eo");
  EXPECT_EQ(JudgeAnswer(eo, "jes, bonvolu").answer, Answer::kYes);
  EXPECT_EQ(JudgeAnswer(eo, "jes morgaŭ").answer, Answer::kLater);
  EXPECT_EQ(JudgeAnswer(eo, "ne").answer, Answer::kNo);
  EXPECT_EQ(JudgeAnswer(eo, "yes").answer, Answer::kOther);
  EXPECT_EQ(JudgeRequest(eo, "ne nuligu mian karton").act, SpeechAct::kNegated);
  EXPECT_EQ(JudgeRequest(eo, "nuligu mian karton").act, SpeechAct::kRequest);
  EXPECT_TRUE(IsBackchannel(eo, "aha", true));
  EXPECT_FALSE(IsBackchannel(eo, "jes", true));
}

TEST(Language, MistakesInItsFilesAreNamed) {
  const auto parse = [](std::string_view consent) {
    const LanguageFile files[] = {
        {"talk.txt", ""}, {"consent.txt", consent}, {"acts.txt", ""}, {"requests.txt", ""}};
    return ParseLanguage("xx", files, "xx", false);
  };
  EXPECT_THAT(parse("[yes]\nok\n[yess]\n").error().message, HasSubstr("xx/consent.txt:3: no section [yess]"));
  EXPECT_THAT(parse("ok\n").error().message, HasSubstr("xx/consent.txt:1: a phrase before"));
  EXPECT_THAT(parse("[yes]\n(ok\n").error().message, HasSubstr("xx/consent.txt:2"));
  EXPECT_TRUE(parse("[yes]\nok\n"));
  const LanguageFile no_talk[] = {{"consent.txt", ""}};
  EXPECT_THAT(ParseLanguage("xx", no_talk, "xx").error().message, HasSubstr("no talk.txt"));
}

TEST(SentenceModel, ReadsWhatItWrites) {
  const SentenceModel model({"no", "yes"}, {0.25F, -0.25F}, {{"w:sure", {-1.5F, 1.5F}}});
  const auto read = SentenceModel::Parse(model.ToText(), "test");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->ToText(), model.ToText());
  const std::vector<std::string_view> sure{"sure"};
  EXPECT_NEAR(read->Probability(sure, "yes"), 1 / (1 + std::exp(-2.5)), 1e-6);
  EXPECT_EQ(read->Probability(sure, "maybe"), 0);
}

TEST(SentenceModel, BadFilesAreNamed) {
  const auto error = [](std::string_view text) { return SentenceModel::Parse(text, "f").error().message; };
  const std::string head = "sotto sentence model 1\n";
  EXPECT_THAT(error("x\n"), HasSubstr("f:1: not a sentence model"));
  EXPECT_THAT(error(head + "labels\tyes\n"), HasSubstr("f:2: the labels are missing"));
  EXPECT_THAT(error(head + "labels\ta\tb\nbias\t1\n"), HasSubstr("f:3: one weight a label"));
  EXPECT_THAT(error(head + "labels\ta\tb\nbias\t1\tnan\n"), HasSubstr("f:3: not a weight"));
  EXPECT_THAT(error(head + "labels\ta\tb\n"), HasSubstr("ends before"));
}

}  // namespace
}  // namespace sotto
