#include "action/mcp_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto::mcp {
namespace {

using Kind = Message::Kind;

TEST(McpMessage, IsOneOfFourKinds) {
  const auto kind = [](const char* text) { return ReadMessage(text).value().kind; };
  EXPECT_EQ(kind(R"({"jsonrpc": "2.0", "id": 1, "method": "ping"})"), Kind::kRequest);
  EXPECT_EQ(kind(R"({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})"),
            Kind::kNotification);
  EXPECT_EQ(kind(R"({"jsonrpc": "2.0", "id": 1, "result": {}})"), Kind::kResult);
  EXPECT_EQ(kind(R"({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "x"}})"),
            Kind::kError);
  EXPECT_EQ(ReadMessage(R"({"jsonrpc": "2.0", "id": "7", "error": {"code": -5}})")->error_code, -5);
}

TEST(McpMessage, StrangersGetAnErrorThatQuotesNothing) {
  for (const char* text :
       {"", "canary", "[]", "{}", R"([{"jsonrpc": "2.0", "id": 1, "result": {}}])", R"({"jsonrpc": 2.0})",
        R"({"jsonrpc": "2.0"})", R"({"jsonrpc": "2.0", "id": 1})",
        R"({"jsonrpc": "2.0", "id": 1, "result": "canary"})", R"({"jsonrpc": "2.0", "result": {}})",
        R"({"jsonrpc": "2.0", "id": 1.5, "result": {}})",
        R"({"jsonrpc": "2.0", "id": {"canary": 1}, "method": "x"})",
        R"({"jsonrpc": "2.0", "id": 1, "method": 5})", R"({"jsonrpc": "2.0", "id": 1, "error": "canary"})",
        R"({"jsonrpc": "2.0", "id": 1, "error": {"code": "x"}})"}) {
    const auto message = ReadMessage(text);
    ASSERT_FALSE(message) << text;
    EXPECT_EQ(message.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(message.error().message.find("canary"), std::string::npos) << message.error().message;
  }
}

TEST(McpInitialize, SaysWhatTheServerCannotDo) {
  const auto server = ReadInitializeResult(Json::parse(
      R"({"protocolVersion": "2025-03-26", "capabilities": {"tools": {}}, "serverInfo": {"name": "files"}})"));
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_EQ(server->name, "files");
  EXPECT_EQ(server->version, "2025-03-26");
  EXPECT_FALSE(ReadInitializeResult(Json::parse(R"({"protocolVersion": "2025-03-26", "capabilities": {}})")));
  EXPECT_FALSE(ReadInitializeResult(Json::parse(R"({"protocolVersion": 7, "capabilities": {"tools": {}}})")));
  EXPECT_FALSE(ReadInitializeResult(Json::object()));
}

TEST(McpCallResult, IsDataAndText) {
  const auto read = [](const char* result, const char* failures = "{}") {
    const auto answer = ReadCallResult(Json::parse(result), Json::parse(failures));
    if (!answer) return "error: " + answer.error().message;
    return (answer->ok ? "ok" : answer->failure) + " " + answer->data.dump();
  };
  EXPECT_EQ(
      read(
          R"({"content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]})"),
      R"(ok {"text":"a\nb"})");
  EXPECT_EQ(read(R"({"content": [{"type": "text", "text": "{\"n\": 2}"}]})"),
            R"(ok {"n":2,"text":"{\"n\": 2}"})");
  EXPECT_EQ(read(R"({"content": [{"type": "text", "text": "x"}], "structuredContent": {"n": 1}})"),
            R"(ok {"n":1,"text":"x"})");
  EXPECT_EQ(read(R"({"structuredContent": {"text": "mine"}})"), R"(ok {"text":"mine"})");
  EXPECT_EQ(read(R"({"content": [{"type": "text", "text": "No such Plan"}], "isError": true})",
                 R"({"other": "x", "such plan": "plan_unknown", "no": "y"})"),
            R"(plan_unknown {"text":"No such Plan"})");
  EXPECT_EQ(read(R"({"content": [], "isError": true})", R"({"x": "y"})"), R"(failed {"text":""})");
  EXPECT_EQ(read("{}"), "error: a tool's result without content");
  EXPECT_EQ(read(R"({"content": "text"})"), "error: a tool's result without content");
  EXPECT_EQ(read(R"({"content": [7, null, {"type": "text", "text": 5}]})"), R"(ok {"text":""})");
}

TEST(McpToolPage, KnowsWhatMayBeRepeated) {
  const auto page = ReadToolPage(Json::parse(
      R"({"tools": [{"name": "a", "title": "A tool", "annotations": {"idempotentHint": true}}, {"name": "b"}],
          "nextCursor": "c"})"));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->tools.size(), 2u);
  EXPECT_EQ(page->tools[0].description, "A tool");
  EXPECT_TRUE(page->tools[0].repeatable);
  EXPECT_FALSE(page->tools[1].repeatable);
  EXPECT_EQ(page->next_cursor, "c");
  EXPECT_FALSE(ReadToolPage(Json::parse(R"({"tools": {}})")));
  EXPECT_FALSE(ReadToolPage(Json::parse(R"({"tools": [{"description": "x"}]})")));
  EXPECT_FALSE(ReadToolPage(Json::parse(R"({"tools": [7]})")));
}

}  // namespace
}  // namespace sotto::mcp
