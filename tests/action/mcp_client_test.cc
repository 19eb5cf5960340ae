// The client against servers that are hostile, over pipes and over HTTP.
#include "action/mcp_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <future>

#include "loopback_server.h"

namespace sotto::mcp {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string TextOf(const Result<Json>& answer) {
  return answer ? answer->at("content").at(0).at("text").get<std::string>()
                : "error: " + answer.error().message;
}

class McpStdioTest : public testing::Test {
 protected:
  void Open(const std::string& mode = "", std::vector<std::string> environment = {}) {
    client_ = std::make_unique<Client>(
        "shop", MakeStdioTransport({{SOTTO_HOSTILE_MCP_SERVER, mode}, std::move(environment), {}}), clock_);
  }
  std::future<Result<Json>> Start(const std::string& tool, Json arguments = Json::object(),
                                  std::stop_token stop = {}) {
    auto promise = std::make_shared<std::promise<Result<Json>>>();
    client_->Call({tool, std::move(arguments)}, "key-1", std::move(stop),
                  [promise](Result<Json> answer) { promise->set_value(std::move(answer)); });
    return promise->get_future();
  }
  Result<Json> Call(const std::string& tool, Json arguments = Json::object()) {
    return Start(tool, std::move(arguments)).get();
  }

  FakeClock clock_;
  std::unique_ptr<Client> client_;
};

TEST_F(McpStdioTest, ConnectsListsAllPagesAndCalls) {
  Open();
  EXPECT_EQ(TextOf(Call("echo", {{"value", "caf\xC3\xA9"}})), R"({"value":"café"})");
  std::promise<std::vector<Tool>> tools;
  client_->ListTools({}, [&](Result<std::vector<Tool>> listed) { tools.set_value(*std::move(listed)); });
  EXPECT_EQ(tools.get_future().get().size(), 16u);
  EXPECT_EQ(client_->server_name(), "hostile");
  EXPECT_EQ(TextOf(Call("meta")), R"({"sotto/idempotency_key":"key-1"})");
  EXPECT_EQ(Call("structured")->at("structuredContent").at("balance"), 12.5);
  EXPECT_EQ(Call("nothing").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(client_->counters().connections, 1u);
}

TEST_F(McpStdioTest, ReadsAroundGarbageAndWrongIds) {
  Open();
  EXPECT_EQ(TextOf(Call("garbage")), "after garbage");
  EXPECT_EQ(client_->counters().strange, 6u);
  EXPECT_EQ(TextOf(Call("wrong_ids")), "right");
  EXPECT_EQ(TextOf(Call("pieces")), "whole");
  EXPECT_EQ(client_->counters().strange, 16u);
  EXPECT_EQ(TextOf(Call("asks_back")), "both answered");
  EXPECT_EQ(client_->counters().losses, 0u);
}

TEST_F(McpStdioTest, RefusalsQuoteNothing) {
  Open();
  const auto invalid = Call("invalid", {{"value", "canary"}});
  ASSERT_FALSE(invalid);
  EXPECT_EQ(invalid.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(invalid.error().message,
              AllOf(HasSubstr("mcp.shop"), Not(HasSubstr("4532")), Not(HasSubstr("canary"))));
}

TEST_F(McpStdioTest, AServerThatDiesIsStartedAgainWithAPauseTheSecondTime) {
  Open();
  const auto died = Call("dies", {{"value", "secret"}});
  ASSERT_FALSE(died);
  EXPECT_EQ(died.error().code, ErrorCode::kIo) << "what it did is not known";
  EXPECT_THAT(died.error().message, Not(HasSubstr("canary")))
      << "its standard error may hold what callers said";
  EXPECT_EQ(Call("dies").error().code, ErrorCode::kIo) << "started again at once";
  const auto waiting = Call("echo");
  EXPECT_EQ(waiting.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(client_->counters().connections, 2u);
  clock_.Advance(std::chrono::milliseconds(500));
  EXPECT_TRUE(Call("echo"));
  EXPECT_EQ(Call("dies").error().code, ErrorCode::kIo);
  EXPECT_TRUE(Call("echo")) << "a call that succeeded ends the pauses";
}

TEST_F(McpStdioTest, AnswersWithoutEndAreNotKept) {
  Open();
  EXPECT_EQ(Call("huge").error().code, ErrorCode::kIo);
  EXPECT_TRUE(Call("echo"));
  Open("floods");
  EXPECT_THAT(Call("echo").error().message, HasSubstr("no messages"));
}

TEST_F(McpStdioTest, TellsTheServerWhatIsNotWantedAnyMore) {
  Open();
  std::stop_source stop;
  auto silent = Start("silent", Json::object(), stop.get_token());
  EXPECT_EQ(TextOf(Call("count_cancelled")), "0");
  stop.request_stop();
  EXPECT_EQ(silent.get().error().code, ErrorCode::kCancelled);
  EXPECT_EQ(TextOf(Call("count_cancelled")), "1");
  EXPECT_EQ(Start("echo", Json::object(), stop.get_token()).get().error().code, ErrorCode::kCancelled);
}

TEST_F(McpStdioTest, AServerThatAnswersNobodyIsStartedAgain) {
  Open();
  ASSERT_TRUE(Call("echo"));
  for (int i = 0; i < 3; ++i) {
    std::stop_source stop;
    auto silent = Start("silent", Json::object(), stop.get_token());
    stop.request_stop();
    EXPECT_EQ(silent.get().error().code, ErrorCode::kCancelled);
  }
  EXPECT_EQ(client_->counters().losses, 1u);
  EXPECT_TRUE(Call("echo"));
  EXPECT_EQ(client_->counters().connections, 2u);
}

TEST_F(McpStdioTest, AServerThatNeverGetsReadyIsGivenUp) {
  for (const char* mode : {"mute", "deaf"}) {
    Open(mode);
    auto first = Start("echo");
    clock_.Advance(std::chrono::seconds(11));
    auto second = Start("echo");
    const auto given_up = first.get();
    EXPECT_EQ(given_up.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(given_up.error().message, HasSubstr("does not get ready"));
    EXPECT_EQ(client_->counters().connections, 2u);
    client_.reset();
    EXPECT_EQ(second.get().error().code, ErrorCode::kCancelled);
  }
}

TEST_F(McpStdioTest, SaysWhyAServerCannotBeUsed) {
  const auto why = [&](const char* mode) {
    Open(mode);
    const auto answer = Call("echo");
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable) << mode;
    return answer.error().message;
  };
  EXPECT_THAT(why("dies_at_start"), HasSubstr("the server ended: Error: no licence"));
  EXPECT_THAT(why("old"), HasSubstr("revision"));
  EXPECT_THAT(why("no_tools"), HasSubstr("no tools"));
  EXPECT_THAT(why("refuses"), HasSubstr("refuses to begin (error -32000)"));
  EXPECT_THAT(why("endless_list"), HasSubstr("no end"));
  client_ = std::make_unique<Client>("shop", MakeStdioTransport({{"no-such-program-here"}, {}, {}}), clock_);
  EXPECT_THAT(Call("echo").error().message, HasSubstr("no-such-program-here"));
}

TEST_F(McpStdioTest, AServerGetsTheVariablesThatItIsGivenByName) {
  setenv("SOTTO_TEST_CANARY", "canary", 1);
  setenv("SOTTO_TEST_TOKEN", "token", 1);
  Open("", {"SOTTO_TEST_TOKEN"});
  EXPECT_THAT(TextOf(Call("environment")),
              AllOf(HasSubstr("PATH\n"), HasSubstr("SOTTO_TEST_TOKEN\n"), Not(HasSubstr("CANARY"))));
}

// What an MCP server over HTTP was sent, and what it answers.
class HttpServer {
 public:
  enum class Way { kJson, kEvents, kCutEvents, kHugeEvents, kGarbage, kRefuse, kSilent };

  HttpServer() : server_([this](int connection) { Talk(connection); }) {}
  std::string url() const { return server_.url("/mcp?key=canary"); }

  std::atomic<Way> way{Way::kJson};
  std::atomic<bool> forget{false};  // the session, once

  std::vector<std::string> heads() {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

 private:
  void Talk(int connection) {
    while (true) {
      const ReceivedRequest request = ReceiveRequest(connection);
      if (request.head.empty()) return;
      {
        const std::lock_guard lock(mutex_);
        heads_.push_back(request.head);
      }
      if (!SendBytes(connection, Answer(request, connection))) return;
    }
  }

  std::string Answer(const ReceivedRequest& request, int connection) {
    if (request.head.starts_with("DELETE")) return AnswerText(200, "");
    const auto message = ReadMessage(request.body);
    if (!message) return AnswerText(400, "");
    const Json params = Json::parse(request.body).value("params", Json::object());
    if (message->kind != Message::Kind::kRequest) return AnswerText(202, "");
    if (message->method == "initialize") {
      return AnswerText(
          200,
          ResultText(message->id, {{"protocolVersion", "2025-06-18"},
                                   {"capabilities", {{"tools", Json::object()}}},
                                   {"serverInfo", {{"name", "net"}}}}),
          fmt::format("Content-Type: application/json\r\nMcp-Session-Id: s{}\r\n", ++sessions_));
    }
    const std::string session = fmt::format("Mcp-Session-Id: s{}", sessions_.load());
    if (request.head.find(session) == std::string::npos || forget.exchange(false)) return AnswerText(404, "");
    if (message->method == "tools/list") {
      return AnswerText(200, ResultText(message->id, {{"tools", Json::array({{{"name", "echo"}}})}}),
                        "Content-Type: application/json\r\n");
    }
    const std::string text = ResultText(
        message->id, {{"content", Json::array({{{"type", "text"}, {"text", params["arguments"].dump()}}})}});
    switch (way.load()) {
      case Way::kJson:
        return AnswerText(200, text, "Content-Type: application/json\r\n");
      case Way::kEvents:
        return AnswerText(200,
                          "id: 1\ndata: \n\n: comment\n\nevent: message\ndata: " +
                              NotificationText("notifications/progress") + "\n\nid: 2\ndata: " + text +
                              "\n\n",
                          "Content-Type: text/event-stream\r\n");
      case Way::kCutEvents:
        return AnswerText(200, "data: " + text.substr(0, 10), "Content-Type: text/event-stream\r\n");
      case Way::kHugeEvents:
        return AnswerText(200, "data: " + std::string(6 << 20, 'x'), "Content-Type: text/event-stream\r\n");
      case Way::kGarbage:
        return AnswerText(200, "<html>", "Content-Type: text/html\r\n");
      case Way::kRefuse:
        return AnswerText(401, "");
      case Way::kSilent:
        WaitForEnd(connection);
        return "";
    }
    return "";
  }

  std::mutex mutex_;
  std::vector<std::string> heads_;  // guarded by mutex_
  std::atomic<int> sessions_{0};
  LoopbackServer server_;
};

class McpHttpTest : public testing::Test {
 protected:
  Result<Json> Call(Json arguments = Json::object(), std::stop_token stop = {}) {
    std::promise<Result<Json>> promise;
    client_->Call({"echo", std::move(arguments)}, "", std::move(stop),
                  [&](Result<Json> answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }

  FakeClock clock_;
  HttpServer server_;
  std::unique_ptr<HttpClient> http_ = MakeHttpClient();
  std::unique_ptr<Client> client_ = std::make_unique<Client>(
      "net", MakeHttpTransport(server_.url(), {{"Authorization", "Bearer x"}}, *http_), clock_);
};

TEST_F(McpHttpTest, CallsOverJsonAndOverEvents) {
  EXPECT_EQ(TextOf(Call({{"a", 1}})), R"({"a":1})");
  server_.way = HttpServer::Way::kEvents;
  EXPECT_EQ(TextOf(Call({{"a", 2}})), R"({"a":2})");
  client_.reset();
  http_.reset();
  const auto heads = server_.heads();
  ASSERT_GE(heads.size(), 5u);
  EXPECT_THAT(heads[0],
              AllOf(HasSubstr("POST /mcp?key=canary"), HasSubstr("Authorization: Bearer x"),
                    HasSubstr("Accept: application/json, text/event-stream"), Not(HasSubstr("Mcp-Session"))));
  for (size_t i = 1; i < 5; ++i)
    EXPECT_THAT(heads[i],
                AllOf(HasSubstr("Mcp-Session-Id: s1"), HasSubstr("MCP-Protocol-Version: 2025-06-18")));
}

TEST_F(McpHttpTest, ASessionThatIsOverIsBegunAnew) {
  ASSERT_TRUE(Call());
  server_.forget = true;
  EXPECT_EQ(Call().error().code, ErrorCode::kUnavailable) << "it had no effect: the executor tries again";
  EXPECT_TRUE(Call());
  EXPECT_EQ(client_->counters().connections, 2u);
}

TEST_F(McpHttpTest, StrangeAnswersAreErrorsOfThatCall) {
  ASSERT_TRUE(Call());
  const auto code = [&](HttpServer::Way way) {
    server_.way = way;
    const auto answer = Call();
    EXPECT_THAT(answer.error().message, Not(HasSubstr("canary")));
    return answer.error().code;
  };
  EXPECT_EQ(code(HttpServer::Way::kCutEvents), ErrorCode::kIo);
  EXPECT_EQ(code(HttpServer::Way::kHugeEvents), ErrorCode::kIo);
  EXPECT_EQ(code(HttpServer::Way::kGarbage), ErrorCode::kIo);
  EXPECT_EQ(code(HttpServer::Way::kRefuse), ErrorCode::kUnsupported);
  server_.way = HttpServer::Way::kJson;
  EXPECT_TRUE(Call());
}

TEST_F(McpHttpTest, StopsWhatIsNotWantedAnyMore) {
  ASSERT_TRUE(Call());
  server_.way = HttpServer::Way::kSilent;
  std::stop_source stop;
  std::promise<Result<Json>> promise;
  client_->Call({"echo", Json::object()}, "", stop.get_token(),
                [&](Result<Json> answer) { promise.set_value(std::move(answer)); });
  stop.request_stop();
  EXPECT_EQ(promise.get_future().get().error().code, ErrorCode::kCancelled);
}

TEST(McpHttp, NobodyThereIsUnavailable) {
  const SystemClock clock;
  const auto http = MakeHttpClient();
  Client client("net", MakeHttpTransport("http://127.0.0.1:1/canary", {}, *http), clock);
  std::promise<Error> promise;
  client.Call({"echo", Json::object()}, "", {},
              [&](const Result<Json>& answer) { promise.set_value(answer.error()); });
  const Error error = promise.get_future().get();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, AllOf(HasSubstr("mcp.net"), HasSubstr("127.0.0.1:1"), Not(HasSubstr("canary"))));
}

}  // namespace
}  // namespace sotto::mcp
