#include "privacy/detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "privacy/checksums.h"

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Detector& English() {
  static const auto detector = *Detector::For("en");
  return *detector;
}

std::string Found(std::string_view text, std::string_view before = {}) {
  std::string found;
  for (const PersonalSpan& span : English().Scan(text, before)) {
    if (!KindSet::Identifying().Has(span.kind)) continue;
    found += fmt::format("{}{}={}", found.empty() ? "" : "; ", KindName(span.kind),
                         text.substr(span.begin, span.end - span.begin));
  }
  return found;
}

// tests/data/privacy/detector.tsv: what is found TAB text [TAB what was asked before]. A person can add to it.
TEST(Detector, FindsWhatTheTableSays) {
  const std::string path = SOTTO_SOURCE_DIR "/tests/data/privacy/detector.tsv";
  std::ifstream file(path);
  ASSERT_TRUE(file) << path;
  int number = 0;
  int rows = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    ++rows;
    const size_t first = line.find('\t');
    ASSERT_NE(first, std::string::npos) << path << ":" << number;
    const size_t second = std::min(line.find('\t', first + 1), line.size());
    const std::string text = line.substr(first + 1, second - first - 1);
    const std::string before = second < line.size() ? line.substr(second + 1) : "";
    EXPECT_EQ(Found(text, before), line.substr(0, first)) << path << ":" << number << ": " << text;
  }
  EXPECT_GT(rows, 50);
}

TEST(Detector, SpansAreDisjointInOrderAndWithinTheText) {
  const std::string text =
      "Jane Doe, 42 Elm Street, Boston, MA 02134, jane@example.com, 555-123-4567, \xff\xfe 4111 1111";
  size_t end = 0;
  for (const PersonalSpan& span : English().Scan(text)) {
    EXPECT_GE(span.begin, end);
    EXPECT_LT(span.begin, span.end);
    EXPECT_LE(span.end, text.size());
    EXPECT_GT(span.confidence, 0);
    end = span.end;
  }
  EXPECT_GT(end, 0U);
}

// Every run of 13 to 19 digits is a card, whatever its check digit says.
TEST(Detector, EveryLongRunOfDigitsIsACard) {
  for (size_t n = 13; n <= 19; ++n) {
    const std::string digits = std::string("7319527418306295384").substr(0, n);
    const auto spans = English().Scan("take " + digits + " please");
    ASSERT_EQ(spans.size(), 1U) << n;
    EXPECT_EQ(spans[0].kind, PersonalKind::kCard) << n;
    EXPECT_EQ(spans[0].begin, 5U);
    EXPECT_EQ(spans[0].end, 5 + n);
  }
}

TEST(Detector, AnUnknownLanguageNamesThoseThereAre) {
  EXPECT_THAT(Detector::For("tlh").error().message, HasSubstr("'tlh'; there are: en"));
}

TEST(Detector, RedactsWithTypedPlaceholders) {
  const std::string text = "block 4111 1111 1111 1111 now";
  EXPECT_EQ(Redact(text, English().Scan(text)), "block <card> now");
  EXPECT_EQ(Redact(text, English().Scan(text), KindSet::Of(PersonalKind::kEmail)), text);
}

TEST(PrivacyLanguage, MistakesInItsFilesAreNamed) {
  const auto parse = [](std::string_view lists) {
    const PrivacyFile files[] = {{"personal.txt", lists}};
    const auto parsed = PrivacyLanguage::Parse("xx", files, "xx");
    return parsed ? std::string("parsed") : parsed.error().message;
  };
  EXPECT_EQ(parse("[card]\ncard [number]\n[letters]\nalpha = a\n"), "parsed");
  EXPECT_THAT(parse("[cards]\n"), HasSubstr("xx/personal.txt:1: no section [cards]; there are: letters"));
  EXPECT_THAT(parse("[letters]\nalpha a\n"),
              HasSubstr("xx/personal.txt:2: 'alpha a' is not 'word = letter'"));
  EXPECT_THAT(parse("[card]\n(card\n"), HasSubstr("xx/personal.txt:2"));
  EXPECT_THAT(PrivacyLanguage::Parse("xx", {}, "xx").error().message, HasSubstr("xx: no personal.txt"));
}

TEST(Tagger, ReadsWhatItWritesAndNamesWhatIsWrong) {
  Tagger::Weights weights;
  weights.labels = {"O", "B-name", "I-name"};
  weights.starts = {.5F, 0, -1};
  weights.transitions = {0, 0, -4, 0, 0, 1, 0, 0, 1};
  weights.features = {{"w=jane", {{1, 3.0F}}}, {"w-1=jane", {{2, 1.5F}}}};
  const std::string text = Tagger::ToText(weights);
  const auto read = Tagger::ParseWeights(text, "t");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(Tagger::ToText(*read), text);
  const auto error = [](std::string_view model) { return Tagger::ParseWeights(model, "t").error().message; };
  EXPECT_THAT(error("x\n"), HasSubstr("t:1: not a tagger"));
  EXPECT_THAT(error("sotto tagger 1\nlabels\tO\tB-what\n"), HasSubstr("t:2: 'B-what' is not a label"));
  EXPECT_THAT(error("sotto tagger 1\nlabels\tO\tB-name\nstart\t1\n"), HasSubstr("t:3: 1 weights instead of"));
  EXPECT_THAT(error(text + "w=x\t7:1\n"), HasSubstr("'7:1' is not label:weight"));
  EXPECT_THAT(error(text + "w=x\t1:nan\n"), HasSubstr("'nan' is not a weight"));
  EXPECT_THAT(error("sotto tagger 1\nlabels\tO\tB-name\n"), HasSubstr("ends before its features"));
}

TEST(Checksums, KnowRightAndWrongNumbers) {
  EXPECT_TRUE(PassesLuhn("4111111111111111"));
  EXPECT_FALSE(PassesLuhn("4111111111111112"));
  EXPECT_FALSE(PassesLuhn(""));
  EXPECT_TRUE(PassesMod97("GB82WEST12345698765432"));
  EXPECT_FALSE(PassesMod97("GB82WEST12345698765433"));
  EXPECT_EQ(IbanLength("DE"), 22U);
  EXPECT_EQ(IbanLength("US"), 0U);
  EXPECT_TRUE(MayBeSsn("123456789"));
  EXPECT_FALSE(MayBeSsn("000456789"));
  EXPECT_FALSE(MayBeSsn("923456789"));
}

}  // namespace
}  // namespace sotto
