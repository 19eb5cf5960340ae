#include "route/chat_answer.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

std::string Body(std::string_view message, std::string_view finish = "tool_calls") {
  return fmt::format(R"({{"choices":[{{"index":0,"message":{},"finish_reason":"{}"}}],)"
                     R"("usage":{{"prompt_tokens":120,"completion_tokens":9}}}})",
                     message, finish);
}

constexpr const char* kCall =
    R"({"role":"assistant","content":null,"tool_calls":[{"id":"x","type":"function",)"
    R"("function":{"name":"pay","arguments":"{\"amount\":20,\"payee\":null,\"note\":\"\"}"}}]})";

TEST(ChatAnswer, CallsWithoutWhatIsNothing) {
  const auto answer = ParseChatAnswer(Body(kCall));
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_EQ(answer->calls.size(), 1u);
  EXPECT_EQ(ToString(answer->calls[0]), "pay(amount=20)");
  EXPECT_EQ(answer->prompt_tokens, 120);
  EXPECT_EQ(answer->completion_tokens, 9);
}

TEST(ChatAnswer, CallsThatAreWrittenAsText) {
  const auto answer = ParseChatAnswer(Body(
      R"({"content":"<tool_call>{\"name\":\"pay\",\"arguments\":{\"amount\":20}}</tool_call>"})", "stop"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(ToString(answer->calls[0]), "pay(amount=20)");
}

TEST(ChatAnswer, WordsAreNoCalls) {
  const auto answer = ParseChatAnswer(Body(R"({"content":"Sure, I paid it!"})", "length"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(answer->calls.empty());
  EXPECT_EQ(answer->content, "Sure, I paid it!");
  EXPECT_EQ(answer->finish, "length");
}

struct Bad {
  std::string body;
  ErrorCode code;
};

TEST(ChatAnswer, WhatIsNoneIsRefused) {
  const Bad kBad[] = {
      {"", ErrorCode::kCorrupt},
      {"<html>502</html>", ErrorCode::kCorrupt},
      {"[]", ErrorCode::kCorrupt},
      {R"({"choices":[]})", ErrorCode::kCorrupt},
      {R"({"choices":[{}]})", ErrorCode::kCorrupt},
      {R"({"choices":[{"message":[]}]})", ErrorCode::kCorrupt},
      {Body(kCall, "length"), ErrorCode::kUnsupported},
      {Body(kCall, "content_filter"), ErrorCode::kUnsupported},
      {Body(R"({"tool_calls":[{"function":{"name":"pay","arguments":"{\"amount\":"}}]})"),
       ErrorCode::kCorrupt},
      {Body(R"({"tool_calls":[{"function":{"name":"pay","arguments":"[1]"}}]})"), ErrorCode::kCorrupt},
      {Body(R"({"tool_calls":{"function":{}}})"), ErrorCode::kCorrupt},
      {R"({"error":{"message":"secret words","type":"overloaded_error"}})", ErrorCode::kUnavailable},
      {R"({"error":{"code":503,"message":"secret words"}})", ErrorCode::kUnavailable},
      {R"({"error":{"code":"model_not_found"}})", ErrorCode::kCorrupt},
      {R"({"error":"secret words"})", ErrorCode::kCorrupt},
      {"{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}", ErrorCode::kCorrupt},
      {std::string(100000, '['), ErrorCode::kCorrupt},
      {std::string(300000, ' '), ErrorCode::kOutOfRange},
  };
  for (const Bad& bad : kBad) {
    const auto answer = ParseChatAnswer(bad.body);
    ASSERT_FALSE(answer) << bad.body.substr(0, 200);
    EXPECT_EQ(answer.error().code, bad.code) << bad.body.substr(0, 200) << ": " << answer.error().message;
    EXPECT_EQ(answer.error().message.find("secret"), std::string::npos);
    EXPECT_EQ(answer.error().message.find("paid"), std::string::npos);
  }
}

const std::string kStream =
    "data: "
    "{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":"
    "{\"name\":\"pay\",\"arguments\":\"\"}}]}}]}\n\n"
    "data: "
    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"amount\\\":\"}"
    "}]}}]}\r\n\r\n"
    ": ping\n\n"
    "data: "
    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"20}\"}}]}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"function\":{\"name\":\"help\"}}]}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}\n\n"
    "data: [DONE]\n\n";

TEST(ChatStream, PiecesOfAnySize) {
  for (size_t piece = 1; piece <= kStream.size(); piece = piece < 8 ? piece + 1 : piece * 3) {
    ChatStream stream;
    for (size_t at = 0; at < kStream.size(); at += piece)
      ASSERT_TRUE(stream.Feed(std::string_view(kStream).substr(at, piece)));
    EXPECT_TRUE(stream.done());
    const auto answer = stream.End();
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_EQ(answer->calls.size(), 2u);
    EXPECT_EQ(ToString(answer->calls[0]), "pay(amount=20)");
    EXPECT_EQ(answer->calls[1].name, "help");
    EXPECT_EQ(answer->completion_tokens, 5);
  }
}

// Wherever it is cut, it is an error or the whole: never half of a call.
TEST(ChatStream, CutAtEveryByte) {
  const size_t finished = kStream.find("\"finish_reason\"");
  for (size_t cut = 0; cut < kStream.size(); ++cut) {
    ChatStream stream;
    ASSERT_TRUE(stream.Feed(std::string_view(kStream).substr(0, cut)));
    const auto answer = stream.End();
    if (answer) {
      EXPECT_GT(cut, finished);
      EXPECT_EQ(answer->calls.size(), 2u);
    } else {
      EXPECT_EQ(answer.error().code, ErrorCode::kIo);
    }
  }
}

TEST(ChatStream, ErrorsOnTheWay) {
  const Bad kBad[] = {
      {"data: {\"error\":{\"type\":\"overloaded_error\",\"message\":\"secret\"}}\n\n",
       ErrorCode::kUnavailable},
      {"data: not json\n\n", ErrorCode::kCorrupt},
      {"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":-1}]}}]}\n\n", ErrorCode::kCorrupt},
      {"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":4000000000}]}}]}\n\n",
       ErrorCode::kCorrupt},
      {"data: {\"choices\":[{\"delta\":{\"tool_calls\":7}}]}\n\n", ErrorCode::kCorrupt},
  };
  for (const Bad& bad : kBad) {
    ChatStream stream;
    const auto fed = stream.Feed(bad.body);
    const auto answer = stream.End();
    ASSERT_FALSE(answer) << bad.body;
    EXPECT_EQ(answer.error().code, bad.code) << bad.body;
    EXPECT_EQ(answer.error().message.find("secret"), std::string::npos);
    EXPECT_FALSE(stream.Feed(kStream));  // nothing more is read
  }
}

TEST(ChatStream, AStreamWithoutEndIsEnded) {
  ChatStream stream;
  const std::string piece =
      "data: {\"choices\":[{\"delta\":{\"content\":\"" + std::string(1000, 'a') + "\"}}]}\n\n";
  int fed = 0;
  while (stream.Feed(piece) && fed < 100000) ++fed;
  EXPECT_LT(fed, 2000);
  EXPECT_EQ(stream.End().error().code, ErrorCode::kOutOfRange);
}

}  // namespace
}  // namespace sotto
