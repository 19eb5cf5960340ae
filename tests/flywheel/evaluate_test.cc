#include "flywheel/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace sotto {
namespace {

using testing::HasSubstr;

PairedCounts Counts(size_t n, size_t only_champion, size_t only_candidate) {
  PairedCounts counts;
  counts.n = n;
  counts.only_champion = only_champion;
  counts.only_candidate = only_candidate;
  counts.both = n - only_champion - only_candidate;
  return counts;
}

TEST(NonInferiority, McNemarIsTheBinomialOnDiscordantPairs) {
  EXPECT_DOUBLE_EQ(McNemarExact(Counts(100, 0, 0)), 1);
  EXPECT_NEAR(McNemarExact(Counts(100, 9, 1)), 2 * 11.0 / 1024, 1e-12);  // 1 + 10 of 2^10, twice
  EXPECT_NEAR(McNemarExact(Counts(100, 1, 9)), 2 * 11.0 / 1024, 1e-12);
  EXPECT_DOUBLE_EQ(McNemarExact(Counts(100, 5, 5)), 1);
}

TEST(NonInferiority, TangosScore) {
  // Without discordant pairs q = margin: n margin / sqrt(n margin (1 - margin)).
  EXPECT_NEAR(TangoScore(100, 0, 0, 0.05), std::sqrt(100 * 0.05 / 0.95), 1e-9);
  // At margin 0: (b - c) / sqrt(b + c), McNemar's.
  EXPECT_NEAR(TangoScore(200, 12, 4, 0), 8 / std::sqrt(16.0), 1e-9);
  // The likelihood's maximum, by a search over q.
  const double margin = 0.03;
  const double n = 300, b = 7, c = 11;
  double best = -HUGE_VAL, at = 0;
  for (double q = margin + 1e-6; q < (1 + margin) / 2 - 1e-6; q += 1e-6) {
    const double likelihood =
        b * std::log(q - margin) + c * std::log(q) + (n - b - c) * std::log(1 - 2 * q + margin);
    if (likelihood > best) {
      best = likelihood;
      at = q;
    }
  }
  EXPECT_NEAR(TangoScore(300, 7, 11, margin),
              (b - c + n * margin) / std::sqrt(n * (2 * at - margin * (1 + margin))), 1e-3);
}

TEST(NonInferiority, KeepsItsLevelAndItsPower) {
  const NonInferiorityGoal goal{.margin = 0.03};
  Random random(1);
  constexpr int kRuns = 800;
  constexpr size_t kTurns = 400;
  int passed_worse = 0, passed_same = 0;
  for (int run = 0; run < kRuns; ++run) {
    PairedCounts worse, same;
    for (size_t i = 0; i < kTurns; ++i) {
      const double u = random.Uniform();
      worse.Add(u >= 0.02, !(u >= 0.02 && u < 0.07));  // loses 5 %, wins 2 %: worse by the margin
      const double v = random.Uniform();
      same.Add(v >= 0.02, v < 0.02 || v >= 0.04);  // loses and wins 2 %
    }
    passed_worse += TestNonInferiority(worse, goal).shown ? 1 : 0;
    passed_same += TestNonInferiority(same, goal).shown ? 1 : 0;
  }
  EXPECT_LT(passed_worse, kRuns * 0.07);
  EXPECT_NEAR(passed_same / static_cast<double>(kRuns), NonInferiorityPower(kTurns, 0.04, goal), 0.03);
  const NonInferiorityResult few = TestNonInferiority(Counts(30, 0, 0), goal);
  EXPECT_FALSE(few.enough());
  EXPECT_GT(few.turns_needed, 100u);
  EXPECT_GE(NonInferiorityPower(few.turns_needed, goal.least_discordant, goal), goal.power);
}

PairedSet Set(size_t n, size_t lost, size_t won, const std::string& tool = "transfer_money") {
  PairedSet set{.name = "gold.jsonl"};
  for (size_t i = 0; i < n; ++i) {
    PairedTurn turn;
    turn.tool = tool;
    turn.champion = i >= won;
    turn.candidate = i < won || i >= won + lost;
    turn.differ = turn.champion != turn.candidate;
    set.turns.push_back(turn);
  }
  return set;
}

EvaluateGoal LooseGoal() {
  EvaluateGoal goal;
  goal.overall.margin = 0.02;
  return goal;
}

TEST(Evaluate, PassesOnlyWhatIsShownEverywhere) {
  const std::vector<PairedSet> good{Set(2000, 5, 6)};
  const Contamination clean{.texts = 2000};
  EvaluateReport report = Judge(good, {}, clean, LooseGoal());
  EXPECT_EQ(report.verdict, EvaluateVerdict::kPass) << testing::PrintToString(report.reasons);
  EXPECT_EQ(report.flips, 11u);
  EXPECT_THAT(ToMarkdown(report, "old", "new", "sotto flywheel evaluate"), HasSubstr("**pass**"));

  // Nobody named its training data.
  EXPECT_EQ(Judge(good, {}, std::nullopt, LooseGoal()).verdict, EvaluateVerdict::kHold);
  // A dialogue that breaks.
  const PairedDialogue broken{"a transfer is read back", true, false};
  report = Judge(good, std::span(&broken, 1), clean, LooseGoal());
  EXPECT_EQ(report.verdict, EvaluateVerdict::kHold);
  EXPECT_THAT(report.reasons, testing::ElementsAre(HasSubstr("a transfer is read back")));
}

TEST(Evaluate, TooFewTurnsHoldEvenWhereAllAreRight) {
  const Contamination clean{.texts = 40};
  std::vector<PairedSet> sets{Set(40, 0, 0)};
  EvaluateReport report = Judge(sets, {}, clean, LooseGoal());
  EXPECT_EQ(report.verdict, EvaluateVerdict::kHold);
  EXPECT_THAT(report.reasons, testing::Each(HasSubstr("not enough turns")));
  // Many turns, but few of one tool.
  sets = {Set(3000, 4, 4)};
  const PairedSet rare = Set(6, 0, 0, "close_account");
  sets[0].turns.insert(sets[0].turns.end(), rare.turns.begin(), rare.turns.end());
  report = Judge(sets, {}, clean, LooseGoal());
  EXPECT_EQ(report.verdict, EvaluateVerdict::kHold);
  EXPECT_THAT(report.reasons, testing::ElementsAre(HasSubstr("tool close_account: not enough turns: 6")));
  EXPECT_EQ(Judge({}, {}, clean, LooseGoal()).verdict, EvaluateVerdict::kHold);
}

TEST(Evaluate, NoticesOneToolThatGotWorse) {
  std::vector<PairedSet> sets{Set(3000, 4, 30)};
  const PairedSet worse = Set(200, 20, 0, "close_account");
  sets[0].turns.insert(sets[0].turns.end(), worse.turns.begin(), worse.turns.end());
  const EvaluateReport report = Judge(sets, {}, Contamination{.texts = 10}, LooseGoal());
  EXPECT_EQ(report.verdict, EvaluateVerdict::kWorse);
  EXPECT_THAT(report.reasons, testing::ElementsAre(HasSubstr("tool close_account")));
}

TEST(Evaluate, RefusesWhatWasTrainedOnTheExam) {
  const std::vector<PairedSet> good{Set(2000, 5, 6)};
  const EvaluateReport report =
      Judge(good, {}, Contamination{.texts = 100, .exact = 3, .near = 1}, LooseGoal());
  EXPECT_EQ(report.verdict, EvaluateVerdict::kRefused);
  EXPECT_EQ(ToJson(report)["verdict"], "refused");
  EXPECT_FALSE(EvaluationMarkdown(Json{{"verdict", "pass"}}, "a", "b", "c"));
}

LabelledConversation Said(std::vector<std::string> texts, int line) {
  LabelledConversation row;
  row.line = line;
  for (std::string& text : texts) row.conversation.turns.push_back({std::move(text), {}, {}});
  return row;
}

TEST(Contamination, FindsTheSameAndTheNearlySame) {
  TrainedOn trained;
  for (const char* text :
       {"I would like to move two hundred dollars from checking to savings please",
        "could you tell me what I spent on groceries during the last month", "yes please",
        "my card was stolen yesterday evening in front of the station so please block it right away"})
    trained.Add(Said({text}, 1).conversation);
  trained.Add(Said({"pay the gas company", "forty two", "no sorry make it fifty"}, 1).conversation);
  EXPECT_EQ(trained.texts(), 4u);  // "yes please" is nobody's

  const std::vector<LabelledConversation> exam{
      Said({"i would like to move two hundred dollars, from checking to savings, please!"}, 1),  // the same
      Said({"my card was stolen yesterday evening in front of the station so please block it right now"}, 2),
      Said({"I want to know the balance of my savings account at this very moment"}, 3),
      Said({"pay the gas company", "forty two", "no sorry make it fifty"}, 4), Said({"yes please"}, 5)};
  const Contamination found = FindContamination(trained, exam);
  EXPECT_EQ(found.texts, 4u);
  EXPECT_EQ(found.exact, 2u);
  EXPECT_EQ(found.near, 1u);
  EXPECT_THAT(found.examples,
              testing::ElementsAre(HasSubstr("line 1"), HasSubstr("line 2"), HasSubstr("line 4")));

  // As kept on the disk.
  const std::string bytes = trained.ToBytes();
  const auto back = TrainedOn::FromBytes(bytes, "x");
  ASSERT_TRUE(back);
  EXPECT_EQ(FindContamination(*back, exam).near, 1u);
  EXPECT_EQ(bytes.find("savings"), std::string::npos);
  for (const std::string& wrong : {std::string(), std::string("abc"), bytes.substr(0, bytes.size() - 1)})
    EXPECT_FALSE(TrainedOn::FromBytes(wrong, "x"));
}

}  // namespace
}  // namespace sotto
