// Endpoints that misbehave, each a real server on this machine.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/check.h"
#include "loopback_server.h"
#include "route/cascade.h"
#include "route/remote_model.h"

namespace sotto {
namespace {

using namespace std::chrono_literals;

constexpr const char* kGood =
    R"({"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"x","type":"function",)"
    R"("function":{"name":"pay","arguments":"{\"amount\":20}"}}]},"finish_reason":"tool_calls"}],)"
    R"("usage":{"prompt_tokens":1000,"completion_tokens":100}})";
constexpr const char* kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
constexpr const char* kStreamBegin =
    "data: "
    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"pay\",\"arguments\":"
    "\"{\\\"amount\\\":20\"}}]}}]}\n\n";
constexpr const char* kStreamEnd =
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"}\"}}]},"
    "\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n";

RemoteOptions Options(const std::string& url) {
  RemoteOptions options;
  options.name = "big";
  options.base_url = url;
  options.model = "big-1";
  options.api_key = "sk-secret";
  options.usd_per_million_in = 1;
  options.usd_per_million_out = 10;
  options.timeout = 20s;
  options.retries = 0;
  options.breaker.failures = 0;
  return options;
}

std::shared_ptr<RemoteModel> Connect(RemoteOptions options) {
  auto model = RemoteModel::Create(std::move(options), RemoteContext::Make());
  SOTTO_CHECK(model.has_value());
  return *model;
}

Json Request(std::string said = "pay twenty") {
  return {{"messages", {{{"role", "user"}, {"content", std::move(said)}}}}, {"tools", Json::array()}};
}

using Answer = Result<RemoteModel::Answer>;

// Asks and waits.
Answer Ask(RemoteModel& model, Duration limit = 30s, Json request = Request()) {
  std::mutex mutex;
  std::condition_variable told;
  std::optional<Answer> answer;
  model.Ask(std::move(request), limit, [&](Answer got) {
    const std::lock_guard lock(mutex);
    EXPECT_FALSE(answer.has_value());
    answer.emplace(std::move(got));
    told.notify_one();
  });
  std::unique_lock lock(mutex);
  told.wait(lock, [&] { return answer.has_value(); });
  return *std::move(answer);
}

// Each request of every connection is answered by the next of `answers`, the last one again and again. An
// empty one: the connection is closed without.
class Server {
 public:
  explicit Server(std::vector<std::string> answers)
      : answers_(std::move(answers)), server_([this](int connection) { Talk(connection); }) {}
  std::string url() const { return server_.url("/v1"); }
  int asked() const { return asked_; }
  ReceivedRequest last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  void Talk(int connection) {
    while (true) {
      ReceivedRequest request = ReceiveRequest(connection);
      if (request.head.empty()) return;
      const size_t n = static_cast<size_t>(asked_++);
      {
        const std::lock_guard lock(mutex_);
        last_ = std::move(request);
      }
      const std::string& answer = answers_[std::min(n, answers_.size() - 1)];
      if (answer.empty() || !SendBytes(connection, answer)) return;
      if (answer.find("Connection: close") != std::string::npos) return;
    }
  }

  const std::vector<std::string> answers_;
  std::atomic<int> asked_{0};
  mutable std::mutex mutex_;
  ReceivedRequest last_;
  LoopbackServer server_;
};

TEST(RemoteModel, AsksAndCountsTheCost) {
  Server server({AnswerText(200, kGood)});
  const auto model = Connect(Options(server.url() + "/"));
  const Answer answer = Ask(*model);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(ToString(answer->chat.calls[0]), "pay(amount=20)");
  EXPECT_DOUBLE_EQ(answer->cost, (1000 * 1 + 100 * 10) / 1e6);
  const ReceivedRequest request = server.last();
  EXPECT_TRUE(request.head.starts_with("POST /v1/chat/completions "));
  EXPECT_NE(request.head.find("Authorization: Bearer sk-secret"), std::string::npos);
  const Json body = Json::parse(request.body);
  EXPECT_EQ(body.at("model"), "big-1");
  EXPECT_EQ(body.at("stream"), false);
}

TEST(RemoteModel, ReadsAStream) {
  Server server({std::string(kStreamHead) + kStreamBegin + kStreamEnd});
  RemoteOptions options = Options(server.url());
  options.stream = true;
  const Answer answer = Ask(*Connect(options));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(ToString(answer->chat.calls[0]), "pay(amount=20)");
}

TEST(RemoteModel, NobodyThere) {
  std::string url;
  { url = Server({""}).url(); }
  const Answer answer = Ask(*Connect(Options(url)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
}

TEST(RemoteModel, ANameThatIsNone) {
  const Answer answer = Ask(*Connect(Options("http://no-such-host.invalid/v1")));
  ASSERT_FALSE(answer);
  // Where the network has no name server at all, that it is none may be said too late.
  EXPECT_TRUE(answer.error().code == ErrorCode::kUnavailable || answer.error().code == ErrorCode::kTimeout);
}

TEST(RemoteModel, TlsThatIsNone) {
  std::atomic<int> connections{0};
  const LoopbackServer server([&](int connection) {
    ++connections;
    SendBytes(connection, AnswerText(400, "this is no TLS"));
    WaitForEnd(connection);
  });
  std::string url = server.url("/v1");
  url.replace(0, 4, "https");
  const Answer answer = Ask(*Connect(Options(url)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kIo) << answer.error().message;
  EXPECT_EQ(connections, 1);
}

TEST(RemoteModel, AnErrorThatSaysItIsNone) {
  Server server({AnswerText(200, R"({"error":{"message":"you said pay twenty","type":"overloaded_error"}})"),
                 AnswerText(200, kGood)});
  const auto model = Connect(Options(server.url()));
  const Answer first = Ask(*model);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(first.error().message.find("twenty"), std::string::npos);
  EXPECT_TRUE(Ask(*model));
}

TEST(RemoteModel, ASecondTryWhereTheFirstMayHaveBeenBadLuck) {
  for (const std::string& bad :
       {AnswerText(500, "{}"), AnswerText(503, ""), AnswerText(429, "{}", "Retry-After: 0\r\n"),
        std::string(), AnswerText(200, R"({"error":{"code":"server_error"}})")}) {
    Server server({bad, AnswerText(200, kGood)});
    RemoteOptions options = Options(server.url());
    options.retries = 1;
    const auto model = Connect(options);
    const Answer answer = Ask(*model);
    ASSERT_TRUE(answer) << bad << answer.error().message;
    EXPECT_EQ(answer->tries, 2);
    EXPECT_EQ(model->counters().retries, 1u);
  }
}

TEST(RemoteModel, NoSecondTryWhereItIsOurs) {
  for (const int status : {400, 401, 404, 422}) {
    Server server({AnswerText(status, R"({"error":{"code":"model_not_found","message":"sk-secret"}})")});
    RemoteOptions options = Options(server.url());
    options.retries = 3;
    const Answer answer = Ask(*Connect(options));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().message,
              fmt::format("{}: HTTP {}: model_not_found", HttpOrigin(server.url()), status));
    EXPECT_EQ(server.asked(), 1);
  }
}

TEST(RemoteModel, TriesHaveABudget) {
  Server server({AnswerText(500, "{}")});
  RemoteOptions options = Options(server.url());
  options.retries = 5;
  const auto model = Connect(options);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(Ask(*model));
  // Three are free at the beginning; nothing was answered since.
  EXPECT_EQ(model->counters().tries, 4u + 3u);
}

TEST(RemoteModel, WaitsAsLongAsItIsTold) {
  Server server({AnswerText(429, "{}", "Retry-After: 3600\r\n"), AnswerText(200, kGood)});
  RemoteOptions options = Options(server.url());
  options.retries = 3;
  const auto model = Connect(options);
  EXPECT_EQ(Ask(*model).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(model->WhyNotNow(), "asked to be left alone for a while");
  EXPECT_EQ(Ask(*model).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(server.asked(), 1);
  EXPECT_EQ(model->counters().refused, 1u);
}

TEST(RemoteModel, RetryAfterMayBeADate) {
  Server server({AnswerText(503, "{}", "Retry-After: Wed, 21 Oct 2099 07:28:00 GMT\r\n")});
  const auto model = Connect(Options(server.url()));
  EXPECT_FALSE(Ask(*model));
  EXPECT_EQ(model->WhyNotNow(), "asked to be left alone for a while");
  Server past({AnswerText(503, "{}", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n")});
  const auto other = Connect(Options(past.url()));
  EXPECT_FALSE(Ask(*other));
  EXPECT_EQ(other->WhyNotNow(), "");
}

TEST(RemoteModel, WaitsAndTriesAgainWithinItsTime) {
  Server server({AnswerText(429, "{}", "Retry-After: 1\r\n"), AnswerText(200, kGood)});
  RemoteOptions options = Options(server.url());
  options.retries = 1;
  EXPECT_TRUE(Ask(*Connect(options)));
  EXPECT_EQ(server.asked(), 2);
}

TEST(RemoteModel, IsLeftAloneAfterFailures) {
  Server server({AnswerText(500, "{}")});
  RemoteOptions options = Options(server.url());
  options.breaker = {.failures = 2, .open = 1h};
  const auto model = Connect(options);
  EXPECT_FALSE(Ask(*model));
  EXPECT_FALSE(Ask(*model));
  EXPECT_EQ(model->WhyNotNow(), "left alone after failures");
  EXPECT_FALSE(Ask(*model));
  EXPECT_EQ(server.asked(), 2);
}

TEST(RemoteModel, IsTriedOutAgain) {
  Server server({AnswerText(500, "{}"), AnswerText(200, kGood)});
  RemoteOptions options = Options(server.url());
  options.breaker = {.failures = 1, .open = 1ms};
  const auto model = Connect(options);
  EXPECT_FALSE(Ask(*model));
  std::this_thread::sleep_for(5ms);  // the breaker's own time, on the real clock of a real server
  EXPECT_TRUE(Ask(*model));
  EXPECT_EQ(model->WhyNotNow(), "");
}

TEST(RemoteModel, AStreamThatEndsInTheMiddle) {
  for (const std::string& end : {std::string(), std::string("data: {\"choi"), std::string("garbage\n\n")}) {
    Server server({std::string(kStreamHead) + kStreamBegin + end});
    RemoteOptions options = Options(server.url());
    options.stream = true;
    const Answer answer = Ask(*Connect(options));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kIo) << answer.error().message;
  }
}

TEST(RemoteModel, AnErrorInTheMiddleOfAStream) {
  Server server(
      {std::string(kStreamHead) + kStreamBegin + "data: {\"error\":{\"type\":\"overloaded_error\"}}\n\n"});
  RemoteOptions options = Options(server.url());
  options.stream = true;
  const Answer answer = Ask(*Connect(options));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
}

// A byte now and then, for ever: the caller is told at the deadline, and the connection is let go.
TEST(RemoteModel, ADripWithoutEnd) {
  std::mutex mutex;
  std::condition_variable changed;
  int let_go = 0;
  const LoopbackServer server([&](int connection) {
    ReceiveRequest(connection);
    SendBytes(connection, kStreamHead);
    while (SendBytes(connection, ": still here\n\n")) std::this_thread::sleep_for(2ms);
    const std::lock_guard lock(mutex);
    ++let_go;
    changed.notify_one();
  });
  RemoteOptions options = Options(server.url("/v1"));
  options.stream = true;
  const auto model = Connect(options);
  const Answer answer = Ask(*model, 200ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(model->counters().late, 1u);
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return let_go == 1; });
}

TEST(RemoteModel, AFloodIsCutOff) {
  const LoopbackServer server([](int connection) {
    ReceiveRequest(connection);
    SendBytes(connection, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
    const std::string block(100000, ' ');
    while (SendBytes(connection, block)) {
    }
  });
  const Answer answer = Ask(*Connect(Options(server.url("/v1"))));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kOutOfRange) << answer.error().message;
}

TEST(RemoteModel, SilenceEndsAtTheDeadline) {
  const LoopbackServer server([](int connection) { WaitForEnd(connection); });
  const auto model = Connect(Options(server.url("/v1")));
  EXPECT_EQ(Ask(*model, 50ms).error().code, ErrorCode::kTimeout);
}

TEST(RemoteModel, AHedgeAnswersForASlowOne) {
  std::atomic<int> connections{0};
  const LoopbackServer server([&](int connection) {
    const bool first = connections++ == 0;
    ReceiveRequest(connection);
    if (first) return WaitForEnd(connection);
    SendBytes(connection, AnswerText(200, kGood));
    WaitForEnd(connection);
  });
  RemoteOptions options = Options(server.url("/v1"));
  options.hedge_after = 20ms;
  const auto model = Connect(options);
  const Answer answer = Ask(*model);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->tries, 2);
  EXPECT_EQ(model->counters().hedges, 1u);
}

// Of the same request at the same time there is one.
TEST(RemoteModel, NoStampede) {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::atomic<int> asked{0};
  const LoopbackServer server([&](int connection) {
    while (!ReceiveRequest(connection).head.empty()) {
      ++asked;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return open; });
      }
      SendBytes(connection, AnswerText(200, kGood));
    }
  });
  const auto model = Connect(Options(server.url("/v1")));
  int told = 0;
  std::vector<RemoteModel::Ticket> tickets;
  for (int i = 0; i < 50; ++i) {
    tickets.push_back(model->Ask(Request(i == 49 ? "another" : "the same"), 60s, [&, i](Answer answer) {
      EXPECT_EQ(answer.has_value(), i != 7);
      const std::lock_guard lock(mutex);
      ++told;
      changed.notify_all();
    }));
  }
  tickets[7].Cancel();  // the others still want it
  {
    std::unique_lock lock(mutex);
    EXPECT_EQ(told, 1);
    open = true;
    changed.notify_all();
    changed.wait(lock, [&] { return told == 50; });
  }
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(model->counters().shared, 48u);
}

TEST(RemoteModel, WhatNobodyWantsIsStopped) {
  std::mutex mutex;
  std::condition_variable changed;
  bool got = false;
  bool ended = false;
  const LoopbackServer server([&](int connection) {
    ReceiveRequest(connection);
    {
      const std::lock_guard lock(mutex);
      got = true;
      changed.notify_all();
    }
    WaitForEnd(connection);
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  });
  const auto model = Connect(Options(server.url("/v1")));
  std::optional<Answer> answer;
  RemoteModel::Ticket ticket = model->Ask(Request(), 600s, [&](Answer told) { answer = std::move(told); });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return got; });
  lock.unlock();
  ticket.Cancel();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error().code, ErrorCode::kCancelled);
  lock.lock();
  changed.wait(lock, [&] { return ended; });
}

TEST(RemoteModel, ItsOwnCompletionMayLetGoOfItLast) {
  Server server({AnswerText(200, kGood)});
  auto model = Connect(Options(server.url()));
  std::mutex mutex;
  std::condition_variable told;
  bool done = false;
  RemoteModel* const raw = model.get();
  auto held = std::make_shared<std::shared_ptr<RemoteModel>>(std::move(model));
  raw->Ask(Request(), 30s, [&, held](Answer answer) {
    EXPECT_TRUE(answer);
    held->reset();
    const std::lock_guard lock(mutex);
    done = true;
    told.notify_one();
  });
  held.reset();
  std::unique_lock lock(mutex);
  told.wait(lock, [&] { return done; });
}

// The whole way: what leaves, what comes back, what is refused.
class RemoteCascadeTest : public testing::Test {
 protected:
  std::shared_ptr<RoutePlan> Plan(const std::string& url, std::shared_ptr<OutboundGuard> guard = nullptr) {
    auto plan = std::make_shared<RoutePlan>();
    auto remote = std::make_shared<RemoteStep>();
    remote->name = "big";
    remote->model = Connect(Options(url));
    remote->tools = {{"pay", "Pay somebody", Json::object()}, {"balance", "", Json::object()}};
    remote->trust = 0.9;
    PlanStep step;
    step.name = "big";
    step.kind = PlanStep::Kind::kRemote;
    step.budget = 30s;
    step.price = 0.001;
    step.remote = remote;
    plan->steps = {step};
    plan->privacy.rule = PrivacyRule::kAllow;
    if (guard != nullptr) {
      plan->privacy.rule = PrivacyRule::kPseudonymise;
      plan->new_guard = [guard] { return guard; };
    }
    plan->check = [this](const Conversation&, std::span<const std::string>, std::string_view said,
                         std::span<const ToolCall> calls) {
      checked_.push_back(std::string(said) + " -> " + ToString(calls[0]));
      return refuse_;
    };
    return plan;
  }
  Result<Understanding> Say(Understander& cascade, const std::string& said, Conversation history = {}) {
    std::mutex mutex;
    std::condition_variable told;
    std::optional<Result<Understanding>> answer;
    cascade.Begin(std::move(history), {}, {"affirm"});
    cascade.Commit({{said}}, 60s, [&](Result<Understanding> got) {
      const std::lock_guard lock(mutex);
      answer.emplace(std::move(got));
      told.notify_one();
    });
    std::unique_lock lock(mutex);
    told.wait(lock, [&] { return answer.has_value(); });
    return *std::move(answer);
  }

  SystemClock clock_;
  Scheduler scheduler_{clock_, {.threads = 1}};
  std::vector<std::string> checked_;
  std::optional<std::string> refuse_;
};

TEST_F(RemoteCascadeTest, TheConversationLeavesAndACallComesBack) {
  Server server({AnswerText(200, kGood)});
  const auto cascade = MakeCascade(Plan(server.url()), scheduler_);
  Conversation history;
  history.today = ParseDate("2026-03-03");
  history.turns.push_back({"pay somebody", {}, {ToolCall{"pay", Json::object()}}});
  const auto answer = Say(*cascade, "twenty", history);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(ToString(answer->calls[0].call), "pay(amount=20)");
  EXPECT_EQ(answer->made_by, MadeBy::kEscalation);
  EXPECT_EQ(answer->model, "big-1");
  EXPECT_EQ(answer->confidence, 0.9);
  ASSERT_EQ(answer->route.size(), 1u);
  EXPECT_DOUBLE_EQ(answer->route[0].cost, 0.002);
  EXPECT_EQ(checked_, (std::vector<std::string>{"twenty -> pay(amount=20)"}));
  const Json body = Json::parse(server.last().body);
  const Json& messages = body.at("messages");
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_NE(messages[0].at("content").get<std::string>().find("Today is 2026-03-03."), std::string::npos);
  EXPECT_EQ(messages[1].at("content"), "pay somebody");
  EXPECT_EQ(messages[2].at("tool_calls")[0].at("id"), messages[3].at("tool_call_id"));
  EXPECT_EQ(messages[4].at("content"), "twenty");
  ASSERT_EQ(body.at("tools").size(), 3u);
  EXPECT_EQ(body.at("tools")[2].at("function").at("name"), "affirm");
}

TEST_F(RemoteCascadeTest, WhatDoesNotFitIsRefused) {
  Server server({AnswerText(200, kGood)});
  refuse_ = "'amount' of 'pay' was never said";
  const auto cascade = MakeCascade(Plan(server.url()), scheduler_);
  const auto answer = Say(*cascade, "hello");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "nobody understood it; big: 'amount' of 'pay' was never said");
}

TEST_F(RemoteCascadeTest, MoneyHasAnEnd) {
  Server server({AnswerText(200, kGood)});
  auto plan = Plan(server.url());
  plan->most_a_conversation = 0.0025;
  plan->spending = std::make_shared<Spending>(clock_, 0.0045);
  const auto first = MakeCascade(plan, scheduler_);
  EXPECT_TRUE(Say(*first, "a"));
  EXPECT_NE(Say(*first, "b").error().message.find("of a conversation are spent"), std::string::npos);
  const auto second = MakeCascade(plan, scheduler_);
  EXPECT_TRUE(Say(*second, "c"));
  const auto third = MakeCascade(plan, scheduler_);
  EXPECT_NE(Say(*third, "d").error().message.find("of the day are spent"), std::string::npos);
  EXPECT_EQ(server.asked(), 2);
}

class SwappingGuard final : public OutboundGuard {
 public:
  Result<Json> Outgoing(const Outbound& outbound) override {
    if (fails) return MakeError(ErrorCode::kCorrupt, "cannot tell what is in it");
    rules.push_back(outbound.step + " " + std::string(PrivacyRuleName(outbound.rule)));
    Json messages = outbound.messages;
    for (Json& message : messages)
      if (message["content"] == "pay Bob twenty") message["content"] = "pay NAME_1 twenty";
    return messages;
  }
  Result<std::vector<ToolCall>> Incoming(std::vector<ToolCall> calls) override {
    for (ToolCall& call : calls) call.arguments["payee"] = "Bob";
    return calls;
  }
  Result<std::string> IncomingText(std::string_view text) override { return std::string(text); }
  bool fails = false;
  std::vector<std::string> rules;
};

TEST_F(RemoteCascadeTest, TheGuardStandsInBetween) {
  Server server({AnswerText(200, kGood)});
  const auto guard = std::make_shared<SwappingGuard>();
  const auto cascade = MakeCascade(Plan(server.url(), guard), scheduler_);
  const auto answer = Say(*cascade, "pay Bob twenty");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(ToString(answer->calls[0].call), "pay(amount=20, payee=Bob)");
  EXPECT_EQ(server.last().body.find("Bob"), std::string::npos);
  EXPECT_NE(server.last().body.find("NAME_1"), std::string::npos);
  EXPECT_EQ(guard->rules, (std::vector<std::string>{"big pseudonymise"}));
  guard->fails = true;
  EXPECT_FALSE(Say(*cascade, "pay Bob twenty"));
  EXPECT_EQ(server.asked(), 1);
}

TEST_F(RemoteCascadeTest, WhatTouchesALocalToolStays) {
  Server server({AnswerText(200, kGood)});
  auto plan = Plan(server.url(), std::make_shared<SwappingGuard>());
  plan->privacy.tools["report_fraud"] = PrivacyRule::kLocal;
  const auto cascade = MakeCascade(plan, scheduler_);
  EXPECT_TRUE(Say(*cascade, "hello"));
  Conversation history;
  history.turns.push_back({"somebody stole it", {}, {ToolCall{"report_fraud", Json::object()}}});
  EXPECT_NE(Say(*cascade, "hello", history).error().message.find("privacy: local"), std::string::npos);
  EXPECT_EQ(server.asked(), 1);
}

}  // namespace
}  // namespace sotto
