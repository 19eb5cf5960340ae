#include "core/conversation_jsonl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"

namespace sotto {
namespace {

LabelledConversation Read(const char* row) { return ConversationFromJson(Json::parse(row)).value(); }

TEST(ConversationJsonl, ReadsMessagesWithCalls) {
  const auto row = Read(R"({"messages": [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "move some money"},
    {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "transfer_money", "arguments": {}}}]},
    {"role": "tool", "content": "{}"},
    {"role": "user", "content": "200", "expectation": {"kind": "ask", "tool": "transfer_money", "slots": ["amount"]}},
    {"role": "assistant", "tool_calls": [{"function": {"name": "transfer_money", "arguments": "{\"amount\": 200}"}}]}]})");
  ASSERT_EQ(row.conversation.turns.size(), 2U);
  EXPECT_EQ(row.conversation.turns[1].calls[0].arguments.at("amount"), 200);
  EXPECT_EQ(row.conversation.turns[1].expectation.kind, Expectation::Kind::kSlots);
  const auto back = ConversationFromJson(ToJson(row)).value();
  EXPECT_EQ(ToJson(back), ToJson(row));
}

TEST(ConversationJsonl, ReadsQuestionAndAnswer) {
  const auto row = Read(
      R"({"question": "[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"tool_calls\":[{\"type\":\"function\",\"function\":{\"name\":\"greeting\",\"arguments\":{}}}]},{\"role\":\"user\",\"content\":\"bye\"}]",
          "answer": "{\"name\": \"goodbye\", \"parameters\": {}}"})");
  ASSERT_EQ(row.conversation.turns.size(), 2U);
  EXPECT_TRUE(row.last_turn_only);
  EXPECT_EQ(row.conversation.turns[1].calls[0].name, "goodbye");
}

TEST(ConversationJsonl, NamesFileAndLineOfEveryMistake) {
  const std::string path = testing::TempDir() + "bad.jsonl";
  ASSERT_TRUE(
      WriteFileAtomically(path, "{\"messages\": []}\nnot json\n\n{\"messages\": [{\"role\": \"usr\"}]}\n"));
  std::vector<std::string> errors;
  ASSERT_TRUE(ReadConversations(path, &errors));
  EXPECT_THAT(errors, testing::ElementsAre(testing::EndsWith("bad.jsonl:1: no user message"),
                                           testing::EndsWith("bad.jsonl:2: column 2: not valid JSON"),
                                           testing::HasSubstr("bad.jsonl:4: message role 'usr'")));
  EXPECT_FALSE(ReadConversations(path));
}

// tests/data/conversion/rows.jsonl: the row forms of other people, with the calls of the last turn or the
// error.
TEST(ConversationJsonl, NoFormLosesACall) {
  const auto text = ReadFile(SOTTO_SOURCE_DIR "/tests/data/conversion/rows.jsonl");
  ASSERT_TRUE(text);
  size_t n_rows = 0;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line); ++n_rows) {
    const Json test = ParseJson(line, "rows.jsonl").value();
    SCOPED_TRACE(test["name"].get<std::string>());
    const auto row = ConversationFromJson(test["row"]);
    if (test.contains("error")) {
      ASSERT_FALSE(row);
      EXPECT_THAT(row.error().message, testing::HasSubstr(test["error"].get<std::string>()));
      continue;
    }
    ASSERT_TRUE(row) << row.error().message;
    ASSERT_EQ(row->conversation.turns.size(), 1U);
    EXPECT_EQ(row->conversation.turns[0].user, test["user"]);
    Json calls = Json::array();
    for (const ToolCall& call : row->conversation.turns[0].calls) calls.push_back(ToJson(call));
    EXPECT_EQ(calls, test["calls"]);
  }
  EXPECT_GE(n_rows, 24U);
}

TEST(ConversationJsonl, FilesThatAreNotLinesOfJsonSaySo) {
  const std::string path = testing::TempDir() + "odd.jsonl";
  const auto message = [&](const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(path, text));
    const auto rows = ReadConversations(path);
    return rows ? "" : rows.error().message;
  };
  EXPECT_THAT(message("[\n {\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}\n]"),
              testing::HasSubstr("one JSON array over several lines; want one object a line"));
  EXPECT_THAT(message("{\"messages\":[{\"role\":\"user\",\"content\":\"caf\xE9\"}]}\n"),
              testing::HasSubstr("odd.jsonl:1: byte 43: 0xE9 is not UTF-8"));
  EXPECT_THAT(message("{\"messages\": " + std::string(100000, '[')),
              testing::HasSubstr("odd.jsonl:1: column 513: JSON nested more than 500 deep"));
  EXPECT_THAT(message("{\"messages\": 1e999}"), testing::HasSubstr("odd.jsonl:1: a number is too large"));
  EXPECT_THAT(message(""), testing::HasSubstr("holds no conversation"));
  EXPECT_THAT(ReadConversations(testing::TempDir()).error().message, testing::HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace sotto
