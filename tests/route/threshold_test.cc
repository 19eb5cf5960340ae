#include "route/threshold.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace sotto {
namespace {

JudgedTurn Turn(double confidence, bool right, std::string tool = "pay") {
  return {{std::move(tool)}, confidence, right};
}

// Clopper and Pearson's own upper limits, one-sided 95 %: tables of exact binomial limits.
TEST(Threshold, UpperLimitsAreThoseOfClopperAndPearson) {
  EXPECT_NEAR(UpperErrorLimit(0, 10, 0.95), 0.2589, 1e-4);
  EXPECT_NEAR(UpperErrorLimit(1, 10, 0.95), 0.3942, 1e-4);
  EXPECT_NEAR(UpperErrorLimit(5, 100, 0.95), 0.1023, 1e-4);
  EXPECT_NEAR(UpperErrorLimit(0, 299, 0.95), 0.009969, 1e-5);
  EXPECT_EQ(UpperErrorLimit(0, 0, 0.95), 1);
  EXPECT_EQ(UpperErrorLimit(3, 3, 0.95), 1);
}

TEST(Threshold, OnePercentTakesTwoHundredNinetyNineTurns) {
  EXPECT_EQ(TurnsNeeded(0.01, 0.95), 299u);
  EXPECT_EQ(TurnsNeeded(0.05, 0.95), 59u);
}

TEST(Threshold, TheCheapestThatIsProven) {
  std::vector<JudgedTurn> turns;
  for (int i = 0; i < 400; ++i) turns.push_back(Turn(0.99 - i * 1e-5, true));
  for (int i = 0; i < 100; ++i) turns.push_back(Turn(0.5 - i * 1e-5, i % 2 == 0));
  const auto fitted = FitThresholds(turns, {.max_error = 0.01});
  ASSERT_TRUE(fitted) << fitted.error().message;
  // Of 401 the one that may be wrong is: 1 in 475 would be proven, 2 would not.
  EXPECT_GE(fitted->all.accepted, 400u);
  EXPECT_LT(fitted->all.upper_error, 0.01);
  EXPECT_LT(fitted->all.accepted, 410u);
}

TEST(Threshold, TooFewTurnsProveNothing) {
  const std::vector<JudgedTurn> turns(200, Turn(0.9, true));
  const auto fitted = FitThresholds(turns, {.max_error = 0.01});
  ASSERT_FALSE(fitted);
  EXPECT_EQ(fitted.error().message,
            "200 turns cannot prove an error below 0.01: it takes 299 without a mistake");
}

TEST(Threshold, NoneIsTakenWhereNoneIsProven) {
  std::vector<JudgedTurn> turns;
  for (int i = 0; i < 1000; ++i) turns.push_back(Turn(1 - i * 1e-4, i % 10 != 0));
  const auto fitted = FitThresholds(turns, {.max_error = 0.01});
  ASSERT_FALSE(fitted);
  EXPECT_EQ(fitted.error().code, ErrorCode::kNotFound);
}

// The promise itself: over many draws of turns, the true error of what is believed is above the bound in at
// most 5 % of them.
TEST(Threshold, TheBoundHoldsOnTurnsThatItNeverSaw) {
  Random random(7);
  // Right with probability `confidence`: perfectly calibrated.
  const auto draw = [&] {
    const double confidence = 1 - 0.2 * random.Uniform() * random.Uniform() * random.Uniform();
    return Turn(confidence, random.Chance(confidence));
  };
  int broken = 0;
  int fitted_times = 0;
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<JudgedTurn> turns;
    for (int i = 0; i < 1500; ++i) turns.push_back(draw());
    const auto fitted = FitThresholds(turns, {.max_error = 0.02});
    if (!fitted) continue;
    ++fitted_times;
    size_t accepted = 0;
    size_t wrong = 0;
    for (int i = 0; i < 5000; ++i) {
      const JudgedTurn turn = draw();
      if (turn.confidence < fitted->thresholds.Of("pay")) continue;
      ++accepted;
      wrong += turn.right ? 0 : 1;
    }
    broken += static_cast<double>(wrong) > 0.02 * static_cast<double>(accepted) ? 1 : 0;
  }
  EXPECT_GT(fitted_times, 150);
  EXPECT_LE(broken, fitted_times * 8 / 100);  // 5 % and the luck of the draw; the seed is fixed
}

TEST(Threshold, AToolWithEnoughTurnsHasItsOwn) {
  std::vector<JudgedTurn> turns;
  for (int i = 0; i < 600; ++i) turns.push_back(Turn(0.9 - i * 1e-4, true, "easy"));
  for (int i = 0; i < 600; ++i) turns.push_back(Turn(0.9 - i * 1e-4, i < 350 || i % 3 != 0, "hard"));
  const auto fitted = FitThresholds(turns, {.max_error = 0.01});
  ASSERT_TRUE(fitted) << fitted.error().message;
  EXPECT_LT(fitted->thresholds.Of("easy"), fitted->thresholds.Of("hard"));
  EXPECT_EQ(fitted->thresholds.Of("other"), fitted->thresholds.overall);
  EXPECT_LT(fitted->all.upper_error, 0.01);
  EXPECT_EQ(fitted->by_tool.at("easy").errors, 0u);
}

TEST(Threshold, AShareForTheStrongModel) {
  std::vector<JudgedTurn> turns;
  for (int i = 0; i < 100; ++i) turns.push_back(Turn(i / 100.0, i >= 10));
  const auto fitted = FitThresholds(turns, {.strong_share = 0.2});
  ASSERT_TRUE(fitted);
  EXPECT_EQ(fitted->all.accepted, 80u);
  EXPECT_EQ(fitted->all.errors, 0u);
  EXPECT_DOUBLE_EQ(fitted->thresholds.overall, 0.2);
}

TEST(Threshold, ARulePassesAndANumberThatIsNoneDoesNot) {
  Thresholds thresholds{0.8, {{"pay", 0.95}}};
  Understanding understanding;
  understanding.calls.push_back({ToolCall{"pay", Json::object()}, 0.9, {}});
  understanding.confidence = 0.9;
  EXPECT_EQ(thresholds.Missed(understanding), 0.95);
  EXPECT_EQ(thresholds.Missed(understanding, 0.96), std::nullopt);
  EXPECT_EQ(thresholds.Missed(understanding, 0.94), 0.95);
  understanding.made_by = MadeBy::kRule;
  EXPECT_EQ(thresholds.Missed(understanding), std::nullopt);
  understanding.made_by = MadeBy::kModel;
  understanding.confidence = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(thresholds.Missed(understanding));
}

TEST(Threshold, TheFileComesBackAsItWas) {
  ThresholdFile file;
  file.thresholds = {0.83, {{"pay", 0.9}}};
  file.model = "abc";
  file.workflow = "def";
  file.at = "2026-11-30T00:00:00Z";
  file.data = "heldout.jsonl";
  file.goal.max_error = 0.01;
  file.evidence = {1000, 800, 2, 0.0078};
  file.by_tool["pay"] = {400, 300, 0, 0.00993};
  const auto again = ThresholdFileFromJson(ToJson(file));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(ToJson(*again), ToJson(file));
  EXPECT_EQ(again->thresholds, file.thresholds);
}

TEST(Threshold, WhatWasLearntComesBackWithIt) {
  ThresholdFile file;
  file.model = "abc";
  file.learnt = {Surety{}, "0123456789abcdef", "generated.jsonl, callers.jsonl"};
  Json json = ToJson(file);
  const auto again = ThresholdFileFromJson(json);
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_TRUE(again->learnt);
  EXPECT_EQ(again->learnt->known, "0123456789abcdef");
  EXPECT_EQ(ToJson(*again), json);
  json["surety"]["weights"]["nearest"] = "much";
  EXPECT_EQ(ThresholdFileFromJson(json).error().message, "surety.weights: nearest should be a number");
  json["surety"].erase("known");
  EXPECT_EQ(ThresholdFileFromJson(json).error().message, "surety.known should be a text");
}

TEST(Threshold, ABadFileIsNamed) {
  Json json = ToJson(ThresholdFile{});
  json["thresholds"]["overall"] = 3;
  EXPECT_EQ(ThresholdFileFromJson(json).error().message,
            "thresholds.overall should be a number from 0 to 1.01");
  EXPECT_EQ(ThresholdFileFromJson(Json::array()).error().message, "it should be an object");
}

}  // namespace
}  // namespace sotto
