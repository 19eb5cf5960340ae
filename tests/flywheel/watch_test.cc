// Patterns, drift, rates and the report, of logs whose contents are known.
#include "flywheel/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flywheel/log_simulate.h"
#include "flywheel/patterns_cluster.h"
#include "flywheel/report.h"
#include "log_records.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

LogView ViewOf(const std::vector<LoggedSession>& sessions) {
  LogView log;
  for (const LoggedSession& session : sessions) log.sessions.push_back(session.stored());
  return log;
}

TEST(Wilson, IsTheIntervalOfTheTables) {
  const ShareInterval half = WilsonInterval(5, 10);
  EXPECT_NEAR(half.low, 0.2366, 1e-4);
  EXPECT_NEAR(half.high, 0.7634, 1e-4);
  const ShareInterval none = WilsonInterval(0, 10);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.2775, 1e-4);
  EXPECT_EQ(WilsonInterval(0, 0).high, 1);
  EXPECT_EQ(WilsonInterval(7, 7).high, 1);
}

TEST(Cluster, JoinsWhatSaysTheSame) {
  const std::vector<std::string> texts{"i want a chequebook",           "send me a chequebook please",
                                       "a new chequebook please",       "exchange rate for the yen",
                                       "what is the yen exchange rate", "sing a song"};
  const TextSpace space(texts, nullptr);
  EXPECT_NEAR(space.Similarity(0, 0), 1, 1e-5);
  const auto clusters = ClusterTexts(space, {1, 5, 1, 1, 1, 1}, 0.2);
  ASSERT_EQ(clusters.size(), 3U);
  EXPECT_EQ(clusters[0].size(), 3U);
  EXPECT_EQ(clusters[0].front(), 1U);  // the heaviest
  EXPECT_EQ(clusters[1].size(), 2U);
  EXPECT_EQ(ClusterTexts(space, {1, 1, 1, 1, 1, 1}, 1.01).size(), 6U);
}

TEST(Patterns, FindWhatRecursAndWhatNobodyServes) {
  std::vector<LoggedSession> sessions;
  for (int i = 0; i < 4; ++i) {
    LoggedSession& session = sessions.emplace_back(fmt::format("s{}", i));
    session.Say("what is my balance", {{"check_balance", Json::object()}});
    session
        .Say(i % 2 == 0 ? "please send me a chequebook" : "send me a new chequebook",
             {{"intent_unclear", Json::object()}}, 0.2)
        .outcome = i == 0 ? TurnRecord::Outcome::kEscalated : TurnRecord::Outcome::kNotUnderstood;
  }
  const Patterns patterns = FindPatterns(ViewOf(sessions), *BankingWorkflow(), {});
  ASSERT_EQ(patterns.requests.size(), 1U);
  EXPECT_EQ(patterns.requests[0].name, "check_balance()");
  EXPECT_EQ(patterns.requests[0].count, 4U);
  EXPECT_DOUBLE_EQ(patterns.requests[0].share, 0.5);
  EXPECT_DOUBLE_EQ(patterns.requests[0].narrowness, 1);
  EXPECT_EQ(patterns.requests[0].handoffs, 1U);
  ASSERT_EQ(patterns.unmet.size(), 1U);
  EXPECT_EQ(patterns.unmet[0].count, 4U);
  EXPECT_TRUE(patterns.unmet[0].missing);
  EXPECT_LT(patterns.unmet[0].narrowness, 1);
}

TEST(Patterns, CountWhereCallersStruggle) {
  LoggedSession session("a");
  session.Say("send money", {{"transfer_money", Json::object()}})
      .events.push_back(EventJson("task_began", 1, "transfer_money"));
  const Expectation amount{Expectation::Kind::kSlots, "transfer_money", {"amount"}};
  session.Say("well", {{"intent_unclear", Json::object()}}).expectation = amount;
  TurnRecord& first = session.Say("twenty", {{"transfer_money", {{"amount", 20}}}});
  first.expectation = amount;
  first.events.push_back(EventJson("slot_set", 1, "amount", 20));
  session.Say("no thirty", {{"transfer_money", {{"amount", 30}}}})
      .events.push_back(EventJson("slot_set", 1, "amount", 30));
  TurnRecord& silence = session.records.emplace_back();
  silence.session = "a";
  silence.turn = 5;
  silence.expectation = {Expectation::Kind::kConfirm, "transfer_money", {}};
  silence.outcome = TurnRecord::Outcome::kNoInput;
  const Patterns patterns = FindPatterns(ViewOf({session}), *BankingWorkflow(), {});
  ASSERT_EQ(patterns.struggles.size(), 2U);
  for (const Struggle& struggle : patterns.struggles) {
    EXPECT_EQ(struggle.tool, "transfer_money");
    EXPECT_EQ(struggle.again, 1U);
    EXPECT_EQ(struggle.corrected, 1U);
    EXPECT_EQ(struggle.silences, struggle.slot.empty() ? 1U : 0U);
    EXPECT_EQ(struggle.abandoned, struggle.slot.empty() ? 1U : 0U);
  }
}

TEST(Drift, IsThePopulationStabilityIndex) {
  SpeechProfile now, then;
  now.tools = {{"a", 90}, {"b", 10}};
  then.tools = {{"a", 50}, {"b", 50}};
  now.words = {{"hello", 3}, {"yen", 2}};
  then.words = {{"hello", 9}};
  const Drift drift = DriftOf(now, then);
  const double p = 90.5 / 101, q = 0.5;
  EXPECT_NEAR(drift.psi, (p - q) * std::log(p / q) + (1 - p - q) * std::log((1 - p) / q), 1e-12);
  EXPECT_EQ(drift.unseen, 2U);
  EXPECT_EQ(drift.unseen_words.front().first, "yen");
  EXPECT_NEAR(DriftOf(now, now).psi, 0, 1e-12);
}

TEST(Watch, SaysWhatIsBeyondItsLimitAndHowSure) {
  std::vector<LoggedSession> sessions;
  for (int i = 0; i < 60; ++i) {
    LoggedSession& session = sessions.emplace_back(fmt::format("s{}", i));
    TurnRecord& record = session.Say("what is my balance", {{"check_balance", Json::object()}});
    record.events.push_back(EventJson("task_began", 1, "check_balance"));
    record.events.push_back(EventJson("task_done", 1, i < 30 ? "timeout" : ""));
    if (i >= 50)
      session.Say("blah", {{"intent_unclear", Json::object()}}).outcome = TurnRecord::Outcome::kNotUnderstood;
  }
  const LogView log = ViewOf(sessions);
  WatchInput input;
  input.remote_price = 0.01;
  input.limits.fallback = 0.1;
  input.sample = [](const std::string& session, int turn) -> std::optional<std::vector<ToolCall>> {
    if (turn != 1 || session == "s1") return std::nullopt;
    return std::vector<ToolCall>{{session == "s2" ? "pay_bill" : "check_balance", Json::object()}};
  };
  const Watched watched = WatchLog(log, *BankingWorkflow(), input);
  EXPECT_EQ(watched.turns, 70U);
  EXPECT_EQ(watched.all.completion.hits, 30U);
  EXPECT_EQ(watched.all.fallback.hits, 10U);
  EXPECT_EQ(watched.all.accuracy.of, 59U);
  EXPECT_EQ(watched.all.accuracy.hits, 58U);
  EXPECT_NEAR(watched.remote_cost, 0.7, 1e-12);
  std::vector<std::string> certain, perhaps;
  for (const WatchAlert& alert : watched.alerts)
    (alert.certain ? certain : perhaps).push_back(alert.what + alert.tool);
  EXPECT_THAT(certain, ::testing::ElementsAre("completion", "completioncheck_balance"));
  EXPECT_THAT(perhaps, ::testing::ElementsAre("fallback"));
  input.limits.least = 1000;
  EXPECT_TRUE(WatchLog(log, *BankingWorkflow(), input).alerts.empty());
}

TEST(Report, IsOneFileThatAsksNobody) {
  LoggedSession session("a");
  TurnRecord& record =
      session.Say("<script>alert(1)</script> & so on", {{"intent_unclear", Json::object()}}, 0.1);
  record.outcome = TurnRecord::Outcome::kNotUnderstood;
  LoggedSession other("b");
  other.records = session.records;
  other.records[0].session = "b";
  other.records[0].at = "2026-11-03T08:00:00Z";
  LogView log = ViewOf({session, other});
  log.first = "2026-11-02T08:00:00Z";
  log.last = "2026-11-03T08:00:00Z";
  const Patterns patterns = FindPatterns(log, *BankingWorkflow(), {});
  const SpeechProfile now = ProfileOfLog(log, "now", 0.6);
  const std::vector<Drift> drifts{DriftOf(now, now)};
  const Watched watched = WatchLog(log, *BankingWorkflow(), {});
  const Json report = BuildReport({&log, BankingWorkflow().get(), &patterns, &watched, drifts, nullptr});
  EXPECT_EQ(report["days"].size(), 2U);
  const std::string html = ReportHtml(report);
  EXPECT_THAT(html, HasSubstr("<svg"));
  for (const char* never : {"<script", "http:", "https:", "src=", "url("})
    EXPECT_THAT(html, Not(HasSubstr(never)));
}

TEST(SimulatedLogs, AreTheSameForTheSameSeedAndHoldWhatTheyShould) {
  LogSimulation simulation;
  simulation.turns = 300;
  simulation.planted = 0.1;
  const auto logs = SimulateLogs(BankingWorkflow(), simulation);
  ASSERT_TRUE(logs) << logs.error().message;
  size_t words = 0, silent = 0, lost = 0, done = 0;
  for (const TurnRecord& record : logs->records) {
    words += HasWords(record) ? 1 : 0;
    silent += record.outcome == TurnRecord::Outcome::kNoInput ? 1 : 0;
    lost += HasWords(record) && NotUnderstood(record, "intent_unclear") ? 1 : 0;
    for (const TurnRecord::Action& action : record.actions) done += action.result.ok ? 1 : 0;
  }
  EXPECT_GE(words, 300U);
  EXPECT_GT(silent, 0U);
  EXPECT_GT(lost, 10U);
  EXPECT_GT(done, 30U);
  EXPECT_GT(logs->planted.size(), 10U);
  const auto again = SimulateLogs(BankingWorkflow(), simulation);
  ASSERT_EQ(again->records.size(), logs->records.size());
  EXPECT_EQ(ToJson(again->records.back()), ToJson(logs->records.back()));
}

}  // namespace
}  // namespace sotto
