// What goes beyond the workflows: endpoints that are servers on this machine.
#include "assistant/chat_gateway.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "base/check.h"
#include "base/mapped_file.h"
#include "loopback_server.h"
#include "temp_folder.h"

namespace sotto {
namespace {

// Answers every request with what a function makes of it.
class Endpoint {
 public:
  using Talk = std::function<std::string(const Json& request)>;
  explicit Endpoint(Talk talk)
      : talk_(std::move(talk)), server_([this](int connection) { Serve(connection); }) {}
  std::string url() const { return server_.url("/v1"); }
  int asked() const { return asked_; }

  static std::string Words(const std::string& content) {
    return AnswerText(
        200,
        Json{{"choices",
              {{{"message", {{"role", "assistant"}, {"content", content}}}, {"finish_reason", "stop"}}}},
             {"usage", {{"prompt_tokens", 100}, {"completion_tokens", 10}}}}
            .dump(),
        "Content-Type: application/json\r\n");
  }

 private:
  void Serve(int connection) {
    while (true) {
      const auto request = ReceiveRequest(connection);
      if (request.head.empty()) return;
      ++asked_;
      if (!SendBytes(connection, talk_(Json::parse(request.body)))) return;
    }
  }

  const Talk talk_;
  std::atomic<int> asked_{0};
  LoopbackServer server_;
};

class ChatGatewayTest : public testing::Test {
 protected:
  std::shared_ptr<ChatGateway> Open(const std::vector<std::string>& urls, const std::string& more) {
    std::string text = "route:\n  accept: 0.5\n  models:\n";
    for (size_t i = 0; i < urls.size(); ++i) {
      text += fmt::format(
          "    big{}: {{base_url: \"{}\", model: m{}, input_price: 1, output_price: 10, timeout_ms: 20000, "
          "retries: 0}}\n",
          i, urls[i], i);
    }
    auto config = ParseRouteConfig(text + more, "sotto.yaml");
    SOTTO_CHECK(config && *config, "{}", config.error().message);
    (*config)->audit = folder_.path() / "audit.jsonl";
    return ChatGateway::Create(RouteResources::Open(**config).value()).value();
  }

  Result<ChatGateway::Answer> Ask(ChatGateway& gateway, Json request, const std::string& tenant = "a") {
    std::mutex mutex;
    std::condition_variable told;
    std::optional<Result<ChatGateway::Answer>> answer;
    gateway.Complete(std::move(request), tenant, [&](Result<ChatGateway::Answer> got) {
      const std::lock_guard lock(mutex);
      EXPECT_FALSE(answer.has_value());
      answer.emplace(std::move(got));
      told.notify_one();
    });
    std::unique_lock lock(mutex);
    told.wait(lock, [&] { return answer.has_value(); });
    return *std::move(answer);
  }
  static Json Says(const std::string& content) {
    return {{"messages", {{{"role", "user"}, {"content", content}}}}, {"temperature", 0}};
  }

  TempFolder folder_;
};

TEST_F(ChatGatewayTest, WordsComeBackWithWhatTheyCost) {
  Endpoint big([](const Json&) { return Endpoint::Words("Paris."); });
  const auto gateway = Open({big.url()}, "  privacy: {default: allow}\n");
  ASSERT_FALSE(gateway->WhyNot());
  const auto answer = Ask(*gateway, Says("capital of France?"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->content, "Paris.");
  EXPECT_EQ(answer->finish, "stop");
  EXPECT_EQ(answer->model, "m0");
  EXPECT_DOUBLE_EQ(answer->cost, (100 * 1 + 10 * 10) / 1e6);
  ASSERT_EQ(answer->route.size(), 1u);
  EXPECT_EQ(answer->route[0].step, "big0");
}

TEST_F(ChatGatewayTest, PersonalDataLeavesAsPseudonymsAndComesBack) {
  std::string left;
  Endpoint big([&left](const Json& request) {
    left = request.dump();
    return Endpoint::Words("Echo: " + request.at("messages").back().at("content").get<std::string>());
  });
  const auto gateway = Open({big.url()}, "  privacy: {default: pseudonymise}\n");
  const std::string said = "mail jane.doe@example.org about card 4111 1111 1111 1111";
  const auto answer = Ask(*gateway, Says(said));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->content, "Echo: " + said);
  EXPECT_EQ(left.find("jane"), std::string::npos) << left;
  EXPECT_EQ(left.find("4111 1111 1111"), std::string::npos) << left;
  const std::string audit = ReadFile(folder_.path() / "audit.jsonl").value();
  EXPECT_NE(audit.find("\"card\":1"), std::string::npos) << audit;
  EXPECT_EQ(audit.find("jane"), std::string::npos) << audit;
}

TEST_F(ChatGatewayTest, TheNextIsAskedWhereOneFails) {
  Endpoint down([](const Json&) { return AnswerText(500, "{}"); });
  Endpoint up([](const Json&) { return Endpoint::Words("here"); });
  const auto gateway = Open({down.url(), up.url()}, "  privacy: {default: allow}\n");
  const auto answer = Ask(*gateway, Says("hello"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->model, "m1");
  ASSERT_EQ(answer->route.size(), 2u);
  EXPECT_EQ(answer->route[0].outcome, RouteStep::Outcome::kFailed);
}

TEST_F(ChatGatewayTest, NobodyAnswers) {
  Endpoint down([](const Json&) { return AnswerText(500, "{}"); });
  const auto gateway = Open({down.url()}, "  privacy: {default: allow}\n");
  const auto answer = Ask(*gateway, Says("my secret"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(answer.error().message.find("HTTP 500"), std::string::npos) << answer.error().message;
  EXPECT_EQ(answer.error().message.find("secret"), std::string::npos);
}

TEST_F(ChatGatewayTest, NothingLeavesWithoutARule) {
  Endpoint big([](const Json&) { return Endpoint::Words("no"); });
  const auto gateway = Open({big.url()}, "");
  ASSERT_TRUE(gateway->WhyNot());
  EXPECT_FALSE(Ask(*gateway, Says("hello")));
  EXPECT_EQ(big.asked(), 0);
}

TEST_F(ChatGatewayTest, KeptAnswersAreATenantsOwn) {
  Endpoint big([](const Json&) { return Endpoint::Words("once"); });
  const auto gateway = Open({big.url()}, "  privacy: {default: allow}\n  cache: {entries: 10}\n");
  ASSERT_TRUE(Ask(*gateway, Says("hello")));
  const auto again = Ask(*gateway, Says("hello"));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->kept);
  EXPECT_EQ(again->cost, 0);
  EXPECT_EQ(big.asked(), 1);
  ASSERT_TRUE(Ask(*gateway, Says("hello"), "b"));
  EXPECT_EQ(big.asked(), 2);
  Json warm = Says("hello");
  warm["temperature"] = 0.7;
  ASSERT_TRUE(Ask(*gateway, warm));
  EXPECT_EQ(big.asked(), 3);
  Json with_result = Says("hello");
  with_result["messages"].push_back({{"role", "tool"}, {"content", "balance: 10"}});
  ASSERT_TRUE(Ask(*gateway, with_result));
  ASSERT_TRUE(Ask(*gateway, with_result));
  EXPECT_EQ(big.asked(), 5);
}

}  // namespace
}  // namespace sotto
