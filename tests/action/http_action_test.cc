#include "action/http_action.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <future>

#include "action/environment.h"
#include "log_reader.h"
#include "loopback_server.h"

namespace sotto {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class HttpActionTest : public testing::Test {
 protected:
  ToolResult Run(Json options, Json arguments = Json::object(), std::string key = "") {
    ActionRequest request;
    request.tool = "cancel_card";
    request.action = "http";
    request.arguments = std::move(arguments);
    request.idempotency_key = std::move(key);
    request.options = std::move(options);
    request.caller = caller_;
    std::promise<ToolResult> result;
    std::get<AsyncAction>(action_.run)(request, {},
                                       [&](ToolResult told) { result.set_value(std::move(told)); });
    return result.get_future().get();
  }

  Caller caller_;
  std::unique_ptr<HttpClient> http_ = MakeHttpClient();
  RegisteredAction action_ = MakeHttpAction(*http_);
};

// Answers "/STATUS" with that status, and the request back as its data.
void Echo(int connection) {
  while (true) {
    const ReceivedRequest request = ReceiveRequest(connection);
    if (request.head.empty()) return;
    const size_t slash = request.head.find('/');
    const Json data = {{"head", request.head}, {"body", request.body}};
    if (!SendBytes(connection, AnswerText(std::atoi(request.head.c_str() + slash + 1), data.dump()))) return;
  }
}

TEST_F(HttpActionTest, SendsSlotsAndTakesTheAnswerAsData) {
  setenv("SOTTO_TEST_TOKEN", "t0ken", 1);
  const LoopbackServer server(Echo);
  const Json slots = {{"last_four", "4532"}, {"reason", "left & lost"}};
  const ToolResult posted =
      Run({{"url", server.url("/200")}, {"headers", {{"Authorization", "Bearer ${SOTTO_TEST_TOKEN}"}}}},
          slots, "key-1");
  ASSERT_TRUE(posted.ok) << posted.failure;
  EXPECT_EQ(posted.data["body"], slots.dump());
  EXPECT_THAT(posted.data["head"].get<std::string>(),
              AllOf(HasSubstr("POST /200"), HasSubstr("Bearer t0ken"), HasSubstr("Idempotency-Key: key-1"),
                    HasSubstr("Content-Type: application/json")));
  const ToolResult got = Run({{"url", server.url("/200")}, {"method", "GET"}}, slots);
  EXPECT_THAT(got.data["head"].get<std::string>(),
              HasSubstr("GET /200?last_four=4532&reason=left%20%26%20lost HTTP"));
  const ToolResult more = Run({{"url", server.url("/200?v=1")}, {"method", "GET"}}, {{"a", 1}});
  EXPECT_THAT(more.data["head"].get<std::string>(), HasSubstr("GET /200?v=1&a=1 HTTP"));
}

TEST_F(HttpActionTest, SaysWhoIsCallingAndNobodyElseCan) {
  const LoopbackServer server(Echo);
  caller_ = {"17\r\nSotto-Caller-Customer: 1", "phone", "", "verify_caller", ""};
  const Json slots = {{"caller_customer", "1"}, {"Sotto-Caller-Customer", "1"}};
  const std::string head = Run({{"url", server.url("/200")}}, slots).data["head"];
  EXPECT_THAT(head,
              AllOf(HasSubstr("Sotto-Caller-Customer: 17%0D%0ASotto-Caller-Customer:%201\r\n"),
                    HasSubstr("Sotto-Caller-Verified-By: verify_caller\r\n"),
                    HasSubstr("Sotto-Caller-Channel: phone\r\n"),
                    Not(HasSubstr("\nSotto-Caller-Customer: 1\r")), Not(HasSubstr("Sotto-Caller-Address"))));
  caller_ = {};
  EXPECT_THAT(Run({{"url", server.url("/200")}}, slots).data["head"].get<std::string>(),
              Not(HasSubstr("Sotto-Caller")));
}

TEST_F(HttpActionTest, AStatusIsASuccessOrAFailure) {
  const LoopbackServer server(Echo);
  const auto failure = [&](int status) {
    return Run({{"url", server.url(fmt::format("/{}", status))}, {"failures", {{"404", "card_not_found"}}}})
        .failure;
  };
  EXPECT_EQ(failure(201), "");
  EXPECT_EQ(failure(404), "card_not_found");
  EXPECT_EQ(failure(400), "failed");
  EXPECT_EQ(failure(302), "failed");
  EXPECT_EQ(failure(429), "unavailable");
  EXPECT_EQ(failure(503), "unavailable");
  EXPECT_EQ(failure(504), "timeout");
  const LoopbackServer list([](int connection) {
    ReceiveRequest(connection);
    SendBytes(connection, AnswerText(200, "[1]"));
  });
  EXPECT_EQ(Run({{"url", list.url()}}).failure, "bad_answer");
  EXPECT_EQ(Run({{"url", "http://127.0.0.1:1/x"}, {"timeout_ms", 500}}).failure, "unavailable");
  EXPECT_EQ(Run(Json::object()).failure, "invalid_arguments");
  EXPECT_EQ(Run({{"url", "http://127.0.0.1:1/${SOTTO_TEST_UNSET}"}}).failure, "invalid_arguments");
}

TEST_F(HttpActionTest, ItsBackendIsTheServer) {
  ActionRequest request;
  request.options = {{"url", "https://user:secret@cards.example:8443/cancel?key=x"}};
  EXPECT_EQ(action_.backend(request), "http:cards.example:8443");
}

// A secret or a slot in every place that has room for one: nothing of them is logged, whatever goes wrong.
TEST_F(HttpActionTest, LogsNoSecretsAndNoSlots) {
  setenv("SOTTO_TEST_TOKEN", "token-canary", 1);
  const LoopbackServer echo(Echo);
  const LoopbackServer broken([](int connection) { ReceiveRequest(connection); });
  const LoopbackServer silent([](int connection) { WaitForEnd(connection); });
  const LogReader log;
  int failed = 0;
  for (const char* method : {"GET", "POST"}) {
    for (const int status : {200, 302, 400, 401, 429, 500, 504}) {
      const ToolResult result = Run(
          {{"url", fmt::format("http://user-canary:canary@127.0.0.1:{}/{}?key=canary", echo.port(), status)},
           {"method", method},
           {"headers", {{"X-Key", "${SOTTO_TEST_TOKEN}"}}}},
          {{"pin", "pin-canary"}}, "key-canary");
      failed += result.ok ? 0 : 1;
    }
    for (const std::string& url : {fmt::format("http://canary@127.0.0.1:{}/canary?key=canary", broken.port()),
                                   fmt::format("http://canary@127.0.0.1:{}/canary?key=canary", silent.port()),
                                   std::string("http://canary:canary@127.0.0.1:1/canary?canary"),
                                   std::string("https://canary canary/"), std::string("canary://x"),
                                   std::string("http://127.0.0.1:1/${SOTTO_TEST_UNSET}canary")}) {
      const ToolResult result =
          Run({{"url", url}, {"method", method}, {"timeout_ms", 30}}, {{"pin", "pin-canary"}});
      EXPECT_FALSE(result.ok) << url;
    }
  }
  EXPECT_EQ(failed, 12);
  EXPECT_THAT(log.text(), AllOf(HasSubstr("cancel_card"), HasSubstr("127.0.0.1"),
                                HasSubstr("SOTTO_TEST_UNSET"), Not(HasSubstr("canary"))));
}

TEST(ExpandEnvironment, NamesWhatIsNotSet) {
  setenv("SOTTO_TEST_A", "${SOTTO_TEST_B}", 1);
  EXPECT_EQ(ExpandEnvironment("x ${SOTTO_TEST_A} y").value(), "x ${SOTTO_TEST_B} y")
      << "what was put in is not read again";
  EXPECT_EQ(ExpandEnvironment("plain $x {y}").value(), "plain $x {y}");
  EXPECT_THAT(ExpandEnvironment("${SOTTO_TEST_UNSET}").error().message,
              HasSubstr("SOTTO_TEST_UNSET is not set"));
  EXPECT_FALSE(ExpandEnvironment("${SOTTO_TEST_A"));
}

}  // namespace
}  // namespace sotto
