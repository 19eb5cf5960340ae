#include <gtest/gtest.h>

#include <fstream>

#include "specialist/annotator.h"
#include "temp_folder.h"

namespace sotto {
namespace {

std::unique_ptr<Annotator> Shipped(const std::string& name) {
  auto annotator = OpenSpecialist(SOTTO_SOURCE_DIR "/specialists/" + name, {});
  EXPECT_TRUE(annotator.has_value()) << annotator.error().message;
  return *std::move(annotator);
}

std::string Found(const Annotator& annotator, std::string_view text) {
  std::string out;
  const Json said = annotator.AnnotateInContext({.text = text, .today = *ParseDate("2016-11-07")});
  for (const Json& one : said["found"]) {
    const Json& value = one["value"];
    out += fmt::format("{}{} {}", out.empty() ? "" : " | ", one["type"].get<std::string>(),
                       value.is_string() ? value.get<std::string>() : value.dump());
    EXPECT_EQ(text.substr(one["begin"].get<size_t>(), one["end"].get<size_t>() - one["begin"].get<size_t>()),
              one["text"].get<std::string>());
  }
  return out;
}

TEST(TagSpecialist, TagsDaysTimesAndRanges) {
  const auto date = Shipped("date");
  EXPECT_EQ(Found(*date, "the 3rd of may 2021 at half past three"), "date 2021-05-03 | time 15:30");
  EXPECT_EQ(Found(*date, "from monday to wednesday"), "date_range 2016-11-14/2016-11-16");
  EXPECT_EQ(Found(*date, "it takes half an hour"), "duration PT30M");
  EXPECT_EQ(Found(*date, "in three days"), "date 2016-11-10");
  EXPECT_EQ(Found(*date, "may I march on, one second, the sun is out"), "");
  EXPECT_EQ(Found(*date, "three"), "");
}

TEST(TagSpecialist, TagsNumbersAndMoney) {
  EXPECT_EQ(Found(*Shipped("number"), "two hundred and five of the third"), "number 205 | ordinal 3");
  EXPECT_EQ(Found(*Shipped("money"), "pay fifteen dollars and eighty cents for two cards"), "money 15.8");
  EXPECT_EQ(Found(*Shipped("money"), "I have two cards"), "");
}

TEST(TagSpecialist, MeasuresExactRowsByCategory) {
  const auto declaration = ReadDeclaration(SOTTO_SOURCE_DIR "/specialists/date").value();
  const Json figures =
      EvaluateTag(declaration, {}, {SOTTO_SOURCE_DIR "/tests/data/tagging/dates.tsv"}).value();
  EXPECT_GT(figures["rows"].get<size_t>(), 200u);
  // What our own development list reaches is held; a list by others is measured elsewhere.
  EXPECT_GE(figures["exact"].get<double>(), 0.95) << figures["errors"].dump(1);
  EXPECT_EQ(figures["by_category"]["no date"].get<double>(), 1.0) << figures["errors"].dump(1);
}

TEST(TagSpecialist, NamesMistakesOfRowsWithTheirPlace) {
  const TempFolder folder;
  const auto declaration = ReadDeclaration(SOTTO_SOURCE_DIR "/specialists/date").value();
  const auto message = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    const auto got = EvaluateTag(declaration, {}, {(folder / name).string()});
    return got ? std::string() : got.error().message.substr(got.error().message.find(name));
  };
  EXPECT_EQ(message("a.tsv", "x\t2016-13-01\ttext\tdate 2016-01-01\n"),
            "a.tsv:1: today is no day: 2016-13-01");
  EXPECT_EQ(message("b.tsv", "only one field\n"),
            "b.tsv:1: not category, today, text and what is in it, by tabs");
  EXPECT_EQ(message("c.jsonl", "{\"text\": \"x\"}\n"),
            "c.jsonl:1: no object with \"text\" and \"found\": [...]");
  EXPECT_EQ(message("d.tsv", ""), "d.tsv: has no rows");
}

}  // namespace
}  // namespace sotto
