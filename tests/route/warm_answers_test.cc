#include "route/warm_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto {
namespace {

using ::testing::HasSubstr;

WarmFile TwoEntries() {
  WarmFile file{"workflow-hash", "model-id", {}};
  for (const char* text : {"What's my balance?", "hello there"}) {
    WarmEntry entry{text, 3, {}};
    entry.understanding.calls.push_back({ToolCall{"check_balance", Json::object()}, 0.97, {}, {}});
    entry.understanding.confidence = 0.97;
    file.entries.push_back(std::move(entry));
  }
  return file;
}

TEST(WarmAnswers, AreFoundByTheWordsThatCount) {
  const auto file = WarmFile::Parse(TwoEntries().Text(), "warm.jsonl");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->workflow, "workflow-hash");
  EXPECT_EQ(file->model, "model-id");
  ASSERT_EQ(file->entries.size(), 2u);
  EXPECT_EQ(file->entries[1].count, 3u);
  const WarmAnswers warm(file->entries);
  EXPECT_EQ(warm.size(), 2u);
  const Understanding* found = warm.Find("um, what's my balance?");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->calls[0].call.name, "check_balance");
  EXPECT_NE(warm.Find("Hello there"), nullptr);
  EXPECT_EQ(warm.Find("what's my balance"), nullptr);  // no question
  EXPECT_EQ(warm.Find("what's not my balance?"), nullptr);
}

TEST(WarmAnswers, ADamagedFileSaysWhereAndIsNotRead) {
  const std::string whole = TwoEntries().Text();
  const auto why = [](std::string_view text) {
    const auto file = WarmFile::Parse(text, "warm.jsonl");
    return file ? std::string() : file.error().message;
  };
  EXPECT_THAT(why(""), HasSubstr("is empty"));
  EXPECT_THAT(why("{}\n"), HasSubstr("warm.jsonl:1: is no warm file"));
  EXPECT_THAT(why("[1]\n"), HasSubstr("warm.jsonl:1: is no warm file"));
  EXPECT_THAT(why(whole.substr(0, whole.size() - 30)), HasSubstr("warm.jsonl:3:"));
  EXPECT_THAT(why(whole.substr(0, whole.rfind('{', whole.rfind("\"text\"")))),
              HasSubstr("has 1 of 2 entries"));
  std::string other = whole;
  other.replace(other.find("\"calls\""), 7, "\"colls\"");
  EXPECT_THAT(why(other), HasSubstr("warm.jsonl:2:"));
}

}  // namespace
}  // namespace sotto
