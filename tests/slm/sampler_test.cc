#include "slm/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

namespace sotto {
namespace {

std::map<TokenId, int> Draw(const SamplerOptions& options, const std::vector<float>& logits, int count) {
  Sampler sampler(options);
  std::map<TokenId, int> drawn;
  for (int i = 0; i < count; ++i) ++drawn[sampler.Next(logits)];
  return drawn;
}

TEST(SamplerTest, ArgmaxTakesTheFirstOfEqualsAndNeverNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(Argmax(std::vector<float>{1, 3, 3, 2}), 1);
  EXPECT_EQ(Argmax(std::vector<float>{nan, -5, nan, -4}), 3);
  std::vector<float> long_row(1003, -1.0f);
  long_row[777] = 2;
  long_row[900] = 2;
  EXPECT_EQ(Argmax(long_row), 777);
}

TEST(SamplerTest, TemperatureZeroIsGreedy) {
  EXPECT_EQ(Draw({.temperature = 0, .top_k = 2}, {0, 1, 5, 4}, 50), (std::map<TokenId, int>{{2, 50}}));
}

TEST(SamplerTest, SharesFollowTheSoftmax) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  auto drawn = Draw({.temperature = 1, .seed = 7}, logits, 20000);
  EXPECT_NEAR(drawn[0], 10000, 400);
  EXPECT_NEAR(drawn[1], 6000, 400);
  EXPECT_NEAR(drawn[2], 4000, 400);
  // Temperature 0.5 squares the shares: 25 : 9 : 4.
  drawn = Draw({.temperature = 0.5f, .seed = 7}, logits, 19000);
  EXPECT_NEAR(drawn[0], 12500, 400);
  EXPECT_NEAR(drawn[1], 4500, 400);
}

TEST(SamplerTest, FiltersKeepOnlyTheLikely) {
  const std::vector<float> logits = {std::log(0.4f), std::log(0.1f), std::log(0.3f), std::log(0.2f)};
  EXPECT_EQ(Draw({.temperature = 1, .top_k = 2}, logits, 500).size(), 2u);
  EXPECT_EQ(Draw({.temperature = 1, .top_p = 0.65f}, logits, 500).size(), 2u);
  EXPECT_EQ(Draw({.temperature = 1, .top_p = 0.75f}, logits, 500).size(), 3u);
  EXPECT_EQ(Draw({.temperature = 1, .top_p = 0.0f}, logits, 500).size(), 1u);
  EXPECT_EQ(Draw({.temperature = 1, .min_p = 0.45f}, logits, 500).size(), 3u);
  EXPECT_EQ(Draw({.temperature = 1, .min_p = 0.9f}, logits, 500).size(), 1u);
}

TEST(SamplerTest, SameSeedSameTokens) {
  const std::vector<float> logits(50, 0.0f);
  Sampler a({.temperature = 1, .seed = 3}), b({.temperature = 1, .seed = 3}),
      c({.temperature = 1, .seed = 4});
  std::vector<TokenId> from_a, from_b, from_c;
  for (int i = 0; i < 40; ++i) {
    from_a.push_back(a.Next(logits));
    from_b.push_back(b.Next(logits));
    from_c.push_back(c.Next(logits));
  }
  EXPECT_EQ(from_a, from_b);
  EXPECT_NE(from_a, from_c);
}

}  // namespace
}  // namespace sotto
