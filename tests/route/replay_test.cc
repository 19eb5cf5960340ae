#include "route/replay.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace sotto {
namespace {

// Turns whose confidence is how often they are right, and whose softmax says nothing.
std::vector<ReplayTurn> Turns(size_t n) {
  Random random(3);
  std::vector<ReplayTurn> turns;
  for (size_t i = 0; i < n; ++i) {
    const double confidence = 1 - 0.5 * random.Uniform() * random.Uniform();
    turns.push_back(
        {{"pay"}, confidence, confidence, random.Uniform(), random.Chance(confidence), 1 + random.Uniform()});
  }
  return turns;
}

TEST(Replay, ConfidenceThatMeansSomethingBeatsChance) {
  const auto turns = Turns(4000);
  const Thresholds thresholds{0.9, {}};
  const auto replay = ReplayTurns(turns, {.accuracy = 0.98}, &thresholds);
  ASSERT_TRUE(replay) << replay.error().message;
  ASSERT_EQ(replay->routed.size(), 21u);
  for (size_t i = 2; i < 15; ++i) {
    EXPECT_GT(replay->routed[i].quality, replay->random[i].quality + 0.005) << i;
    EXPECT_LT(replay->routed[i].local_error, replay->random[i].local_error);
    EXPECT_NEAR(replay->softmax[i].quality, replay->random[i].quality, 0.02);
    EXPECT_NEAR(replay->routed[i].escalated, static_cast<double>(i) / 20, 1e-3);
  }
  ASSERT_TRUE(replay->thresholds);
  EXPECT_LT(replay->thresholds->local_error, 0.1);
}

TEST(Replay, TheEndsAreTheEnds) {
  const auto turns = Turns(2000);
  const auto replay =
      ReplayTurns(turns, {.accuracy = 0.9, .mean_ms = 800, .p95_ms = 2000, .price = 0.002}, nullptr);
  ASSERT_TRUE(replay);
  EXPECT_EQ(replay->always_local.cost, 0);
  EXPECT_EQ(replay->always_local.quality, replay->routed.front().quality);
  EXPECT_LT(replay->always_local.p95_ms, 2);
  EXPECT_DOUBLE_EQ(replay->always_remote.cost, 2);
  EXPECT_EQ(replay->always_remote.quality, replay->random.back().quality);
  EXPECT_NEAR(replay->always_remote.quality, 0.9, 0.02);
  EXPECT_NEAR(replay->always_remote.p95_ms, 2000, 250);
  EXPECT_FALSE(replay->thresholds);
}

TEST(Replay, TheSameSeedTheSameFigures) {
  const auto turns = Turns(300);
  const auto once = ReplayTurns(turns, {}, nullptr);
  const auto again = ReplayTurns(turns, {}, nullptr);
  ASSERT_TRUE(once && again);
  EXPECT_EQ(ToJson(*once), ToJson(*again));
  const std::string plot = ReplayPlot(*once, "a <b>", true);
  EXPECT_EQ(plot.find("<b>"), std::string::npos);
  EXPECT_TRUE(plot.starts_with("<svg ") && plot.ends_with("</svg>\n"));
}

TEST(Replay, TimesThatCannotBe) {
  const auto turns = Turns(3);
  EXPECT_FALSE(ReplayTurns(turns, {.mean_ms = 800, .p95_ms = 700}, nullptr));
  EXPECT_FALSE(ReplayTurns(turns, {.mean_ms = 0, .p95_ms = 0}, nullptr));
  const auto far = ReplayTurns(turns, {.mean_ms = 100, .p95_ms = 1000}, nullptr);
  ASSERT_FALSE(far);
  EXPECT_EQ(far.error().message, "a p95 of 1000 ms is too far from a mean of 100 ms (at most 387)");
  EXPECT_FALSE(ReplayTurns({}, {}, nullptr));
}

}  // namespace
}  // namespace sotto
