#include "action/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>

#include "action/http_action.h"
#include "action/sql_action.h"
#include "base/mapped_file.h"

namespace sotto {
namespace {

ActionRequest Request(const char* action, const char* options = "{}", const char* arguments = "{}",
                      const char* key = "") {
  return {"tool", action, Json::parse(arguments), key, Json::parse(options)};
}

TEST(ActionExecutor, TriesAgainWhatWasUnavailableAndNothingElse) {
  int unavailable = 0;
  int refused = 0;
  ActionRegistry registry;
  registry.Add("flaky", [&](const ActionRequest&) {
    return ++unavailable < 3 ? Failure("unavailable") : ToolResult{true, "", Json{{"n", unavailable}}};
  });
  registry.Add("refuses", [&](const ActionRequest&) {
    ++refused;
    return Failure("insufficient_funds");
  });
  ActionExecutor executor(std::move(registry));
  EXPECT_EQ(executor.Run(Request("flaky")).data.at("n"), 3);
  EXPECT_EQ(executor.Run(Request("refuses")).failure, "insufficient_funds");
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(executor.Run(Request("nothing")).failure, "unknown_action");
}

TEST(ActionExecutor, AnswersByTheDeadlineAndLetsTheActionFinish) {
  std::atomic<bool> go{false};
  std::atomic<int> finished{0};
  {
    ActionRegistry registry;
    registry.Add("slow", [&](const ActionRequest&) {
      go.wait(false);
      ++finished;
      return ToolResult{true, "", Json::object()};
    });
    ActionExecutor executor(std::move(registry));
    EXPECT_EQ(executor.Run(Request("slow", R"({"timeout_ms": 5})")).failure, "timeout");
    go = true;
    go.notify_all();
  }
  EXPECT_EQ(finished, 1);
}

TEST(SqlAction, RunsStatementsOnceAndRefusesByRows) {
  const std::filesystem::path folder = testing::TempDir() + "sotto_sql";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(WriteFileAtomically(
      folder / "init.sql",
      "CREATE TABLE plans (name TEXT, price REAL); INSERT INTO plans VALUES ('basic', 20.5);"
      "CREATE TABLE orders (plan TEXT);"));
  const Action action = MakeSqlAction(folder / "a.db", folder / "init.sql").value();
  const char* options = R"json({
    "refuse": [{"when": "SELECT :plan AS wanted WHERE NOT EXISTS (SELECT 1 FROM plans WHERE name = :plan)",
                "failure": "plan_unknown"}],
    "statements": ["INSERT INTO orders VALUES (:plan)",
                   "SELECT price, (SELECT count(*) FROM orders) AS orders FROM plans WHERE name = :plan"]
  })json";
  const ToolResult ordered = action(Request("sql", options, R"({"plan": "basic"})", "k1"));
  ASSERT_TRUE(ordered.ok) << ordered.failure;
  EXPECT_EQ(ordered.data.dump(), R"({"price":20.5,"orders":1})");
  EXPECT_EQ(action(Request("sql", options, R"({"plan": "basic"})", "k1")).data, ordered.data);
  EXPECT_EQ(action(Request("sql", options, R"({"plan": "basic"})", "k2")).data.at("orders"), 2);
  const ToolResult refused = action(Request("sql", options, R"({"plan": "gold"})", "k3"));
  EXPECT_EQ(refused.failure, "plan_unknown");
  EXPECT_EQ(refused.data.at("wanted"), "gold");
  EXPECT_EQ(action(Request("sql", R"({"statements": ["SELEKT 1"]})")).ok, false);
}

TEST(HttpAction, NobodyThereIsUnavailable) {
  EXPECT_EQ(RunHttpAction(Request("http", R"({"url": "http://127.0.0.1:1/x", "timeout_ms": 500})")).failure,
            "unavailable");
  EXPECT_EQ(RunHttpAction(Request("http")).failure, "invalid_arguments");
}

}  // namespace
}  // namespace sotto
