#include "action/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <latch>

#include "action/sql_action.h"
#include "base/mapped_file.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using std::chrono::milliseconds;

ActionRequest Request(std::string action, const char* options = "{}", const char* arguments = "{}",
                      std::string key = "") {
  ActionRequest request;
  request.tool = "tool";
  request.action = std::move(action);
  request.arguments = Json::parse(arguments);
  request.idempotency_key = std::move(key);
  request.options = Json::parse(options);
  return request;
}

ToolResult Answer(int n) { return {true, "", Json{{"n", n}}}; }

RegisteredAction OfBackend(std::string backend, std::variant<Action, AsyncAction> run, int concurrency = 1) {
  return {std::move(run),
          [backend = std::move(backend)](const ActionRequest&) { return backend; },
          concurrency,
          {}};
}

// Actions that wait for the test: what was begun and not ended yet.
struct Service {
  struct Try {
    ActionRequest request;
    std::stop_token stop;
    ActionRunner::Done done;
  };
  std::vector<Try> tries;

  AsyncAction action() {
    return [this](const ActionRequest& request, std::stop_token stop, ActionRunner::Done done) {
      tries.push_back({request, std::move(stop), std::move(done)});
    };
  }
  void End(size_t number, ToolResult result) { tries.at(number).done(std::move(result)); }
};

// An executor on a clock that stands still, with a slow service, a fast one and what was told.
class ExecutorTest : public testing::Test {
 protected:
  ExecutorTest() {
    registry_.Add("slow", OfBackend("http:slow", slow_.action(), 2));
    registry_.Add("slow_too", OfBackend("http:slow", slow_.action(), 2));
    registry_.Add("bank.balance",
                  [this](const ActionRequest&, const std::stop_token&) { return Answer(++balances_); });
    registry_.Add("flaky", [this](const ActionRequest&, const std::stop_token&) {
      return ++flaky_ < 3 ? Failure("unavailable") : Answer(flaky_);
    });
    registry_.Add("refuses", [this](const ActionRequest&, const std::stop_token&) {
      ++refused_;
      return Failure("insufficient_funds");
    });
    executor_ = std::make_unique<ActionExecutor>(std::move(registry_), scheduler_);
  }
  // The executor waits for what runs; a second end of a try is none.
  ~ExecutorTest() override {
    for (size_t i = 0; i < slow_.tries.size(); ++i) slow_.End(i, Failure("cancelled"));
  }

  // The number of the request in told_, which holds "" until it was told, and then "ok" or its failure.
  size_t Start(ActionRequest request) {
    const size_t number = told_.size();
    told_.emplace_back();
    executor_->Start(std::move(request), [this, number](const ToolResult& result) {
      EXPECT_EQ(told_[number], "") << "told twice";
      told_[number] = result.ok ? "ok" : result.failure;
    });
    return number;
  }
  void Advance(milliseconds by) {
    clock_.Advance(by);
    scheduler_.RunDue();
  }
  BackendCounters Counters(std::string_view backend) {
    for (const BackendCounters& counters : executor_->counters()) {
      if (counters.backend == backend) return counters;
    }
    return {};
  }

  FakeClock clock_;
  Scheduler scheduler_{clock_};
  Service slow_;
  int balances_ = 0;
  int flaky_ = 0;
  int refused_ = 0;
  std::vector<std::string> told_;
  ActionRegistry registry_;
  std::unique_ptr<ActionExecutor> executor_;
};

TEST_F(ExecutorTest, ASlowServiceHoldsUpNobodyElse) {
  for (int i = 0; i < 10; ++i) Start(Request("slow"));
  EXPECT_EQ(slow_.tries.size(), 2u) << "as many at once as the backend allows";
  EXPECT_EQ(told_[Start(Request("bank.balance"))], "ok");
  slow_.End(1, Answer(1));
  EXPECT_EQ(told_[1], "ok");
  EXPECT_EQ(slow_.tries.size(), 3u);
  EXPECT_EQ(Counters("http:slow").waiting, 7u);
  EXPECT_EQ(Counters("http:slow").running, 2u);
}

TEST_F(ExecutorTest, TriesAgainWhatWasUnavailableAndNothingElse) {
  const size_t flaky = Start(Request("flaky"));
  EXPECT_EQ(flaky_, 1);
  Advance(milliseconds(49));
  EXPECT_EQ(flaky_, 1);
  Advance(milliseconds(1));
  EXPECT_EQ(flaky_, 2);
  Advance(milliseconds(99));
  EXPECT_EQ(flaky_, 2) << "the pause doubles";
  Advance(milliseconds(1));
  EXPECT_EQ(told_[flaky], "ok");
  EXPECT_EQ(Counters("flaky").retries, 2u);
  EXPECT_EQ(told_[Start(Request("refuses"))], "insufficient_funds");
  EXPECT_EQ(refused_, 1);
  EXPECT_EQ(told_[Start(Request("nothing"))], "unknown_action");
  EXPECT_EQ(told_[Start(Request("flaky", R"({"retries": "many"})"))], "invalid_arguments");
}

TEST_F(ExecutorTest, APauseHoldsNoPlaceAndEndsBeforeTheDeadline) {
  const char* options = R"({"timeout_ms": 120})";
  Start(Request("slow", options));
  Start(Request("slow", options));
  Start(Request("slow_too", options));
  slow_.End(0, Failure("unavailable"));
  ASSERT_EQ(slow_.tries.size(), 3u) << "the third runs while the first pauses";
  slow_.End(1, Answer(1));
  slow_.End(2, Answer(1));
  Advance(milliseconds(50));
  ASSERT_EQ(slow_.tries.size(), 4u);
  slow_.End(3, Failure("unavailable"));
  EXPECT_EQ(told_[0], "unavailable") << "another pause of 100 ms would end after the deadline";
}

TEST_F(ExecutorTest, TellsTheDeadlineAndAsksTheTryToStop) {
  const char* options = R"({"timeout_ms": 100})";
  Start(Request("slow", options));
  Start(Request("slow", options));
  Start(Request("slow", options));
  Advance(milliseconds(99));
  EXPECT_THAT(told_, testing::Each(""));
  Advance(milliseconds(1));
  EXPECT_THAT(told_, testing::Each("timeout"));
  EXPECT_TRUE(slow_.tries[0].stop.stop_requested());
  EXPECT_EQ(slow_.tries.size(), 2u) << "what waited never begins";
  Start(Request("slow"));
  EXPECT_EQ(slow_.tries.size(), 2u) << "a try that has not stopped yet keeps its place";
  slow_.End(0, Answer(1));
  EXPECT_EQ(slow_.tries.size(), 3u);
  EXPECT_EQ(Counters("http:slow").late, 1u);
  EXPECT_EQ(Counters("http:slow").timeouts, 3u);
  slow_.End(1, Failure("cancelled"));
  slow_.End(2, Answer(1));
}

TEST_F(ExecutorTest, RefusesTheNewestWhenItsBackendsQueueIsFull) {
  const char* options = R"({"queue": 3})";
  for (int i = 0; i < 8; ++i) Start(Request("slow", options));
  EXPECT_THAT(told_, testing::ElementsAre("", "", "", "", "", "busy", "busy", "busy"));
  EXPECT_EQ(Counters("http:slow").busy, 3u);
  for (size_t i = 0; i < 5; ++i) slow_.End(i, Answer(1));
  EXPECT_EQ(std::count(told_.begin(), told_.end(), "ok"), 5);
}

TEST_F(ExecutorTest, ABackendThatDoesNotAnswerIsLeftAlone) {
  const char* options = R"({"retries": 0, "concurrency": 1, "breaker": {"failures": 2, "open_ms": 1000}})";
  Start(Request("slow", options));
  Start(Request("slow", options));
  Start(Request("slow", options));
  slow_.End(0, Failure("unavailable"));
  slow_.End(1, Failure("timeout"));
  EXPECT_THAT(told_, testing::ElementsAre("unavailable", "timeout", "unavailable"));
  EXPECT_EQ(slow_.tries.size(), 2u) << "what waits for an open breaker is told at once";
  EXPECT_EQ(told_[Start(Request("slow", options))], "unavailable");
  EXPECT_EQ(Counters("http:slow").kept_away, 2u);
  EXPECT_EQ(Counters("http:slow").breaker, CircuitBreaker::State::kOpen);
  EXPECT_EQ(told_[Start(Request("bank.balance"))], "ok");
  Advance(milliseconds(1000));
  // Half-open: one may try.
  const size_t probe = Start(Request("slow", options));
  EXPECT_EQ(slow_.tries.size(), 3u);
  slow_.End(2, Failure("unavailable"));
  EXPECT_EQ(told_[probe], "unavailable");
  EXPECT_EQ(told_[Start(Request("slow", options))], "unavailable");
  EXPECT_EQ(slow_.tries.size(), 3u);
  Advance(milliseconds(1000));
  Start(Request("slow", options));
  slow_.End(3, Failure("insufficient_funds"));
  EXPECT_EQ(Counters("http:slow").breaker, CircuitBreaker::State::kClosed) << "a refusal is an answer";
  EXPECT_EQ(Counters("http:slow").breaker_opened, 2u);
}

TEST_F(ExecutorTest, ItsEndTellsWhoWaits) {
  Start(Request("slow"));
  Start(Request("slow"));
  Start(Request("slow"));
  slow_.End(1, Failure("unavailable"));  // pauses
  std::thread ender([this] { executor_.reset(); });
  const std::stop_token stop = slow_.tries[0].stop;
  std::promise<void> stopped;
  const std::stop_callback note(stop, [&] { stopped.set_value(); });
  stopped.get_future().wait();
  slow_.End(0, Failure("cancelled"));
  slow_.End(2, Failure("cancelled"));
  ender.join();
  EXPECT_THAT(told_, testing::Each("cancelled"));
}

TEST(CircuitBreaker, OpensAfterFailuresInARowAndLetsOneTryIn) {
  TimePoint now{};
  CircuitBreaker breaker({2, std::chrono::seconds(1)});
  using Outcome = CircuitBreaker::Outcome;
  const auto once = [&](Outcome outcome) {
    const auto pass = breaker.Enter(now);
    if (pass) breaker.Leave(*pass, outcome, now);
    return pass.has_value();
  };
  EXPECT_TRUE(once(Outcome::kFailed));
  EXPECT_TRUE(once(Outcome::kAnswered));
  EXPECT_TRUE(once(Outcome::kFailed));
  const auto late = breaker.Enter(now);
  EXPECT_TRUE(once(Outcome::kFailed));
  EXPECT_FALSE(once(Outcome::kAnswered)) << "open";
  breaker.Leave(*late, Outcome::kAnswered, now);
  EXPECT_EQ(breaker.state(now), CircuitBreaker::State::kOpen) << "late news change nothing";
  now += std::chrono::seconds(1);
  const auto probe = breaker.Enter(now);
  ASSERT_TRUE(probe);
  EXPECT_FALSE(breaker.Enter(now)) << "one at a time";
  breaker.Leave(*probe, Outcome::kUnknown, now);
  EXPECT_TRUE(once(Outcome::kAnswered)) << "an unknown outcome gives the pass back";
  EXPECT_EQ(breaker.state(now), CircuitBreaker::State::kClosed);
  CircuitBreaker never({0, std::chrono::seconds(1)});
  for (int i = 0; i < 100; ++i) never.Leave(never.Enter(now).value(), Outcome::kFailed, now);
  EXPECT_EQ(never.state(now), CircuitBreaker::State::kClosed);
}

TEST(ActionLimits, SayWhatWouldBeRight) {
  const auto error = [](const char* options) {
    const auto limits = ReadActionLimits(Json::parse(options), 1);
    return limits ? std::string() : limits.error().message;
  };
  EXPECT_EQ(error(R"({"timeout_ms": 250, "retries": 0, "breaker": {"failures": 3}, "queue": 0})"), "");
  EXPECT_EQ(error(R"({"timeout_ms": 0})"), "timeout_ms is 0, expected a whole number from 1 to 3600000");
  EXPECT_EQ(error(R"({"retries": 1.5})"), "retries is 1.5, expected a whole number from 0 to 10");
  EXPECT_EQ(error(R"({"breaker": 3})"), "breaker is 3, expected {failures: 5, open_ms: 10000}");
  EXPECT_EQ(error(R"({"breaker": {"after": 3}})"), "breaker.after: expected failures or open_ms");
}

// Real threads: 8 callers, a bank of one thread, a network of many; everybody is told, the bank is never
// entered twice.
TEST(ActionExecutor, ServesManyCallersAtOnce) {
  constexpr int kCallers = 8;
  constexpr int kRequests = 50;
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 2});
  std::atomic<int> inside{0};
  std::atomic<int> moved{0};
  ActionRegistry registry;
  registry.Add("bank.move", [&](const ActionRequest&, const std::stop_token&) {
    EXPECT_EQ(++inside, 1);
    const int n = ++moved;
    --inside;
    return n % 7 == 0 ? Failure("insufficient_funds") : Answer(n);
  });
  std::atomic<int> asked{0};
  registry.Add(
      "net",
      OfBackend("http:net",
                AsyncAction([&](const ActionRequest&, const std::stop_token&, ActionRunner::Done done) {
                  if (++asked % 5 == 0) return done(Failure("unavailable"));
                  done(Answer(1));
                }),
                4));
  std::atomic<int> told{0};
  {
    ActionExecutor executor(std::move(registry), scheduler);
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&, i] {
        for (int n = 0; n < kRequests; ++n) {
          const ToolResult result = RunAndWait(executor, Request((n + i) % 2 == 0 ? "bank.move" : "net"));
          EXPECT_TRUE(result.ok || result.failure == "insufficient_funds" || result.failure == "unavailable")
              << result.failure;
          ++told;
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    uint64_t requests = 0;
    for (const BackendCounters& counters : executor.counters()) {
      requests += counters.requests;
      EXPECT_EQ(counters.running + counters.waiting, 0u);
    }
    EXPECT_EQ(requests, static_cast<uint64_t>(kCallers * kRequests));
  }
  EXPECT_EQ(told, kCallers * kRequests);
}

TEST(ActionExecutor, WaitsForABlockingActionAtItsEnd) {
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  std::latch begun(1);
  std::atomic<bool> finished{false};
  std::promise<std::string> told;
  {
    ActionRegistry registry;
    registry.Add("blocks", [&](const ActionRequest&, const std::stop_token& stop) {
      begun.count_down();
      std::promise<void> stopped;
      const std::stop_callback note(stop, [&] { stopped.set_value(); });
      stopped.get_future().wait();
      finished = true;
      return Failure("cancelled");
    });
    ActionExecutor executor(std::move(registry), scheduler);
    executor.Start(Request("blocks"), [&](const ToolResult& result) { told.set_value(result.failure); });
    begun.wait();
  }
  EXPECT_TRUE(finished);
  EXPECT_EQ(told.get_future().get(), "cancelled");
}

class SqlActionTest : public testing::Test {
 protected:
  SqlActionTest() {
    EXPECT_TRUE(WriteFileAtomically(
        folder_ / "init.sql",
        "CREATE TABLE plans (name TEXT, price REAL); INSERT INTO plans VALUES ('basic', 20.5);"
        "CREATE TABLE orders (plan TEXT);"));
    registered_ = MakeSqlAction(folder_ / "a.db", folder_ / "init.sql").value();
  }
  ToolResult Run(const ActionRequest& request, std::stop_token stop = {}) {
    return std::get<Action>(registered_.run)(request, std::move(stop));
  }
  const TempFolder folder_;  // of this test alone: others run side by side
  RegisteredAction registered_;
};

TEST_F(SqlActionTest, RunsStatementsOnceAndRefusesByRows) {
  EXPECT_EQ(registered_.backend({}), "sql:a.db");
  const char* options = R"json({
    "refuse": [{"when": "SELECT :plan AS wanted WHERE NOT EXISTS (SELECT 1 FROM plans WHERE name = :plan)",
                "failure": "plan_unknown"}],
    "statements": ["INSERT INTO orders VALUES (:plan)",
                   "SELECT price, (SELECT count(*) FROM orders) AS orders FROM plans WHERE name = :plan"]
  })json";
  const ToolResult ordered = Run(Request("sql", options, R"({"plan": "basic"})", "k1"));
  ASSERT_TRUE(ordered.ok) << ordered.failure;
  EXPECT_EQ(ordered.data.dump(), R"({"price":20.5,"orders":1})");
  EXPECT_EQ(Run(Request("sql", options, R"({"plan": "basic"})", "k1")).data, ordered.data);
  EXPECT_EQ(Run(Request("sql", options, R"({"plan": "basic"})", "k2")).data.at("orders"), 2);
  const ToolResult refused = Run(Request("sql", options, R"({"plan": "gold"})", "k3"));
  EXPECT_EQ(refused.failure, "plan_unknown");
  EXPECT_EQ(refused.data.at("wanted"), "gold");
  EXPECT_EQ(Run(Request("sql", R"({"statements": ["SELEKT 1"]})")).ok, false);
}

TEST_F(SqlActionTest, KnowsWhoIsCallingWhateverTheSlotsSay) {
  ActionRequest request = Request(
      "sql",
      R"({"statements": ["SELECT :caller_customer AS customer, :caller_verified_by AS by, :caller_address AS a"]})",
      R"({"caller_customer": "1", "caller_address": "+1", "caller_verified_by": "me"})", "k1");
  request.caller = {"17", "phone", "", "verify_caller", ""};
  EXPECT_EQ(Run(request).data.dump(), R"({"customer":"17","by":"verify_caller","a":null})");
  // A key answers only whom it answered before.
  EXPECT_EQ(Run(request).data.at("customer"), "17");
  request.caller.customer = "1";
  EXPECT_EQ(Run(request).failure, "invalid_arguments");
  request.caller = {};
  request.idempotency_key = "k2";
  EXPECT_EQ(Run(request).data.dump(), R"({"customer":null,"by":null,"a":null})");
}

TEST_F(SqlActionTest, ADatabaseOfBeforeThereWereCallersKeepsWhatItDid) {
  const auto path = folder_ / "old.db";
  {
    Database old = Database::Open(path, Database::Mode::kCreate).value();
    ASSERT_TRUE(
        old.Execute("CREATE TABLE sotto_done (key TEXT PRIMARY KEY, result TEXT NOT NULL) STRICT, WITHOUT "
                    "ROWID; INSERT INTO sotto_done VALUES ('old', '{\"n\":5}')"));
  }
  registered_ = MakeSqlAction(path, "").value();
  const char* options = R"({"statements": ["SELECT 6 AS n"]})";
  EXPECT_EQ(Run(Request("sql", options, "{}", "old")).data.at("n"), 5);
  EXPECT_EQ(Run(Request("sql", options, "{}", "new")).data.at("n"), 6);
}

TEST_F(SqlActionTest, WhatTakesTooLongIsInterruptedAndUndone) {
  const char* endless = R"json({"statements": ["INSERT INTO orders VALUES (:plan)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0"]})json";
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  ActionRegistry registry;
  registry.Add("sql", registered_);
  ActionExecutor executor(std::move(registry), scheduler);
  ActionRequest request = Request("sql", endless, R"({"plan": "basic"})");
  request.options["timeout_ms"] = 200;
  EXPECT_EQ(RunAndWait(executor, request).failure, "timeout");
  const ToolResult after =
      RunAndWait(executor, Request("sql", R"({"statements": ["SELECT count(*) AS orders FROM orders"]})"));
  ASSERT_TRUE(after.ok) << after.failure << ": the database is free again";
  EXPECT_EQ(after.data.at("orders"), 0);
}

}  // namespace
}  // namespace sotto
