#include "flywheel/canary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "base/sha256.h"
#include "flywheel/canary_monitor.h"
#include "flywheel/canary_simulation.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using testing::HasSubstr;

TEST(Sequential, UnderTheNullEvidenceSeldomGrows) {
  Random random(3);
  constexpr int kRuns = 600;
  int harmed = 0, gained = 0;
  for (int run = 0; run < kRuns; ++run) {
    TwoArmEvidence harm(TwoArmEvidence::Direction::kHarm, 4, 0.05);
    TwoArmEvidence gain(TwoArmEvidence::Direction::kGain, 4, 0.05);
    for (int i = 0; i < 2000; ++i) {
      const bool troubled = random.Chance(0.15);
      for (TwoArmEvidence* test : {&harm, &gain})
        i % 5 == 0 ? test->AddCandidate(troubled) : test->AddChampion(troubled);
    }
    // Looked at after every call: the peak.
    harmed += harm.peak_log_evidence() >= std::log(20.0) ? 1 : 0;
    gained += gain.peak_log_evidence() >= std::log(20.0) ? 1 : 0;
  }
  EXPECT_LE(harmed, kRuns * 0.05);
  EXPECT_LE(gained, kRuns * 0.05);
}

TEST(Sequential, GrowsWhereThereIsADifference) {
  Random random(4);
  TwoArmEvidence harm(TwoArmEvidence::Direction::kHarm, 4, 0.05);
  TwoArmEvidence gain(TwoArmEvidence::Direction::kGain, 4, 0.05);
  for (int i = 0; i < 5000; ++i) {
    const bool candidate = i % 5 == 0;
    const bool troubled = random.Chance(candidate ? 0.25 : 0.1);
    for (TwoArmEvidence* test : {&harm, &gain})
      candidate ? test->AddCandidate(troubled) : test->AddChampion(troubled);
  }
  EXPECT_GT(harm.peak_log_evidence(), std::log(1000.0));
  EXPECT_LT(gain.peak_log_evidence(), std::log(20.0));
  EXPECT_EQ(harm.blocks(), 1000u);
}

TEST(Canary, CallersStayInTheirArm) {
  size_t candidates = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string caller = "customer " + std::to_string(i);
    const double point = CallerPoint(caller, "e1");
    EXPECT_GE(point, 0);
    EXPECT_LT(point, 1);
    EXPECT_EQ(point, CallerPoint(caller, "e1"));
    candidates += point < 0.05 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(candidates), 1000, 100);
  EXPECT_NE(CallerPoint("customer 1", "e1"), CallerPoint("customer 1", "e2"));
  // The same on every machine and in every version.
  EXPECT_NEAR(CallerPoint("customer 1", "e1"), 0.0, 1.0);
  Caller caller;
  EXPECT_EQ(CallerKey(caller, "s1"), "session s1");
  caller.address = "+44 20";
  EXPECT_EQ(CallerKey(caller, "s1"), "address +44 20");
  caller.customer = "7";
  EXPECT_EQ(CallerKey(caller, "s1"), "customer 7");
}

TurnRecord Record(const std::string& session, int turn, const char* arm) {
  TurnRecord record;
  record.session = session;
  record.turn = turn;
  record.workflow = "banking";
  record.release = {"v", "e1", arm};
  record.outcome = turn == 0 ? TurnRecord::Outcome::kBegan : TurnRecord::Outcome::kHandled;
  return record;
}

TEST(CallWatcher, PutsCallsTogether) {
  CallWatcher watcher{CanaryOptions{}};
  EXPECT_FALSE(watcher.Take(Record("a", 0, "candidate"), "e1"));
  TurnRecord second = Record("a", 1, "candidate");
  second.outcome = TurnRecord::Outcome::kNotUnderstood;
  EXPECT_FALSE(watcher.Take(second, "e1"));
  EXPECT_FALSE(watcher.Take(Record("b", 1, "champion"), "another"));
  TurnRecord last = Record("a", 2, "candidate");
  last.understood.emplace();
  last.understood->cost.commit_to_call_ms = 5000;
  last.reply.ends_conversation = true;
  const auto call = watcher.Take(last, "e1");
  ASSERT_TRUE(call);
  EXPECT_TRUE(call->candidate && call->troubled && call->asked_again && call->slow);
  EXPECT_FALSE(call->handed_over || call->dear);
  EXPECT_EQ(call->turns, 2);
  EXPECT_EQ(call->troubled_turns, 1);
  // One that asked for a person was not in trouble; one that hung up is over when others came.
  TurnRecord asked = Record("c", 1, "champion");
  asked.outcome = TurnRecord::Outcome::kEscalated;
  asked.escalation = TurnRecord::Escalation{"person", "asked", ""};
  const auto handed = watcher.Take(asked, "e1");
  ASSERT_TRUE(handed);
  EXPECT_TRUE(handed->handed_over);
  EXPECT_FALSE(handed->troubled);
  EXPECT_FALSE(watcher.Take(Record("d", 1, "champion"), "e1"));
  EXPECT_TRUE(watcher.TakeSilent(5).empty());
  EXPECT_EQ(watcher.TakeAll().size(), 1u);
  EXPECT_EQ(watcher.open(), 0u);
}

TEST(Canary, HoldsOnTooFewCallsWhateverTheySay) {
  Canary canary(0.5, {});
  for (int i = 0; i < 19; ++i) {
    canary.Add({.session = "a",
                .candidate = true,
                .turns = 4,
                .troubled_turns = 4,
                .troubled = true,
                .handed_over = true});
    for (int k = 0; k < 10; ++k) canary.Add({.session = "b", .turns = 4});
  }
  EXPECT_EQ(canary.Judge().decision, CanaryDecision::kHold);
  canary.Add({.session = "a", .candidate = true, .turns = 4, .troubled_turns = 4, .troubled = true});
  EXPECT_EQ(canary.Judge().decision, CanaryDecision::kRollBack);
  EXPECT_EQ(canary.Figures()["decision"], "roll_back");
}

TEST(Canary, AGuardAloneRollsBack) {
  Canary canary(0.5, {});
  Random random(5);
  for (int i = 0; i < 400; ++i)
    canary.Add(
        {.session = "s", .candidate = i % 2 == 0, .turns = 3, .slow = i % 2 == 0 && random.Chance(0.5)});
  const Canary::Judgement judged = canary.Judge();
  EXPECT_EQ(judged.decision, CanaryDecision::kRollBack);
  EXPECT_THAT(judged.reason, HasSubstr("slow"));
}

TEST(Canary, SimulatedCanariesKeepTheirPromises) {
  CanarySimulation simulation{.name = "t", .runs = 60, .callers = 4000};
  simulation.candidate = 0.90;
  const CanarySimulated worse = Simulate(simulation);
  EXPECT_GE(worse.rolled_back, 54u);  // 95 % wanted; `sotto canary simulate` measures it
  EXPECT_EQ(worse.promoted, 0u);
  simulation.candidate = 0.95;
  EXPECT_LE(Simulate(simulation).promoted, 6u);
  simulation.candidate = 0.90;
  simulation.most_turns = 19;
  EXPECT_EQ(Simulate(simulation).held, 60u);
}

TEST(Canary, OptionsSayWhichKeyIsWrong) {
  const auto wrong = CanaryOptions::FromJson(Json{{"alpha_harm", 7}});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("alpha_harm"));
  EXPECT_FALSE(CanaryOptions::FromJson(Json{{"least_calls", 0}}));
  EXPECT_EQ(ToJson(*CanaryOptions::FromJson(ToJson(CanaryOptions{}))), ToJson(CanaryOptions{}));
}

// From turn records to the registry: a candidate that harms is rolled back by itself, and what was live stays.
class MonitorTest : public testing::Test {
 protected:
  std::string Register(const std::string& bytes) {
    VersionFacts facts;
    facts.workflow = "banking";
    facts.model = bytes;
    facts.model_sha256 = Sha256(bytes);
    const VersionRegistry::FileOf files[] = {{"model.gguf", "", bytes}};
    return registry_->Register(facts, files, "anna", "", Json::object())->version;
  }
  void SetUp() override {
    registry_ = VersionRegistry::Open(folder_.path(), VersionRegistry::Mode::kCreate).value();
    champion_ = Register("one");
    candidate_ = Register("two");
    ASSERT_TRUE(registry_->Promote("banking", champion_, "anna", "first", 0));
    ASSERT_TRUE(registry_->StartCanary("banking", {.name = "e1", .candidate = candidate_, .share = 0.5},
                                       "anna", "try"));
    monitor_ = CanaryMonitor::Open(*registry_, nullptr).value();
    ASSERT_TRUE(monitor_->Follow(workflows_));
  }
  // Calls of three turns, of which the candidate's go wrong with one probability and the champion's with another.
  void Calls(int n, double candidate_wrong, double champion_wrong) {
    for (int i = 0; i < n; ++i) {
      const bool candidate = i % 2 == 0;
      const std::string session = "s" + std::to_string(next_++);
      for (int turn = 0; turn < 4; ++turn) {
        TurnRecord record = Record(session, turn, candidate ? "candidate" : "champion");
        if (turn > 0 && random_.Chance(candidate ? candidate_wrong : champion_wrong))
          record.outcome = TurnRecord::Outcome::kNotUnderstood;
        record.reply.ends_conversation = turn == 3;
        ASSERT_TRUE(monitor_->Write(record));
      }
    }
  }
  TempFolder folder_;
  Random random_{9};
  int next_ = 0;
  const std::vector<std::string> workflows_{"banking"};
  std::unique_ptr<VersionRegistry> registry_;
  std::unique_ptr<CanaryMonitor> monitor_;
  std::string champion_, candidate_;
};

TEST_F(MonitorTest, RollsBackWhatHarms) {
  Calls(300, 0.3, 0.05);
  const auto said = monitor_->Step();
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_THAT(*said, testing::ElementsAre(HasSubstr("roll_back")));
  const LiveState live = *registry_->Live("banking");
  EXPECT_EQ(live.version, champion_);
  EXPECT_FALSE(live.canary);
  EXPECT_EQ(registry_->Acts()->back().author, kMachine);
  ASSERT_TRUE(monitor_->Follow(workflows_));
  Calls(300, 0.3, 0.05);
  EXPECT_TRUE(monitor_->Step()->empty());
}

TEST_F(MonitorTest, PromotesOnProofAndGoesOnAfterARestart) {
  Calls(200, 0.02, 0.25);
  ASSERT_TRUE(monitor_->Step());
  if (registry_->Live("banking")->canary) {  // not proven yet: another process goes on
    monitor_ = CanaryMonitor::Open(*registry_, nullptr).value();
    ASSERT_TRUE(monitor_->Follow(workflows_));
    Calls(600, 0.02, 0.25);
    ASSERT_TRUE(monitor_->Step());
  }
  EXPECT_EQ(registry_->Live("banking")->version, candidate_);
  const std::vector<Act> acts = *registry_->Acts();
  EXPECT_EQ(acts.back().kind, act::kPromoted);
  EXPECT_EQ(acts.back().detail["evidence"], acts[acts.size() - 2].seq);
  EXPECT_TRUE(registry_->Verify()->empty());
}

TEST_F(MonitorTest, KeepsCountOverARestart) {
  Calls(20, 0.05, 0.05);
  ASSERT_TRUE(monitor_->Step());
  const auto log = CanaryLog::Open(folder_.path()).value();
  EXPECT_EQ(log->Read("e1")->size(), 20u);
  const Canary canary = ReadCanary(*log, *registry_->Live("banking")->canary).value();
  EXPECT_EQ(canary.candidate().calls, 10u);
  EXPECT_EQ(canary.champion().turns, 30u);
}

}  // namespace
}  // namespace sotto
