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
                                           testing::EndsWith("bad.jsonl:2: not valid JSON"),
                                           testing::HasSubstr("bad.jsonl:4: message role 'usr'")));
  EXPECT_FALSE(ReadConversations(path));
}

}  // namespace
}  // namespace sotto
