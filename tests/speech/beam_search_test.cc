#include <gmock/gmock.h>

#include <thread>

#include "speech/scripted_hearing.h"

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kVocab = 12;
constexpr TokenId kEnd = 2;

// Log-probabilities after a history; whatever is not named is hardly possible.
std::vector<float> Row(const std::map<TokenId, float>& named) {
  std::vector<float> row(kVocab, -30);
  for (const auto& [token, logit] : named) row[static_cast<size_t>(token)] = logit;
  return row;
}

TokenLmMix Lm(const std::vector<std::vector<TokenId>>& sentences) {
  TokenLmBuilder builder(kVocab, 1, kEnd);
  for (const auto& sentence : sentences) builder.Add(sentence);
  TokenLmMix mix(kVocab, 0.01f);
  mix.Add(builder.Build(), 1);
  return mix;
}

BeamSearch Search(BeamSearchOptions options = {}) { return BeamSearch(kVocab, 1, kEnd, options); }

TEST(BeamSearch, TheLanguageModelDecidesWhatTheSoundLeavesOpen) {
  // 5 or 6, then 7: heard as 6 by a hair; only 5 7 is ever said.
  ScriptedScorer scorer(kVocab, [](const std::vector<TokenId>& t) {
    if (t.empty()) return Row({{5, -0.8f}, {6, -0.6f}});
    if (t.size() == 1) return Row({{7, -0.05f}, {kEnd, -3}});
    return Row({{kEnd, -0.01f}});
  });
  const auto result = Search().Run(scorer, Lm({{5, 7}, {8, 9}}), 2);
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(result->n_best.front().tokens, ElementsAre(5, 7));
  EXPECT_THAT(result->free.tokens, ElementsAre(6, 7)) << "what was heard freely";
  EXPECT_TRUE(result->n_best.front().ended);
  EXPECT_GT(result->free.acoustic, result->n_best.front().acoustic);
  const SearchHypothesis& best = result->n_best.front();
  EXPECT_EQ(best.log_probs.size(), 3u);
  EXPECT_NEAR(best.score, best.acoustic + 0.5 * best.lm + 1.4 * 3, 1e-6);
}

TEST(BeamSearch, ClearSoundBeatsTheLanguageModel) {
  ScriptedScorer scorer(kVocab, [](const std::vector<TokenId>& t) {
    if (t.empty()) return Row({{5, -14.0f}, {6, -0.01f}});
    return Row({{kEnd, -0.01f}});
  });
  const auto result = Search().Run(scorer, Lm({{5}, {5}, {6, 6}}), 2);
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(result->n_best.front().tokens, ElementsAre(6));
}

TEST(BeamSearch, TheEndIsNeverTheFirstToken) {
  ScriptedScorer scorer(kVocab, [](const std::vector<TokenId>& t) {
    return t.empty() ? Row({{kEnd, -0.01f}, {5, -6}}) : Row({{kEnd, -0.01f}});
  });
  const auto result = Search().Run(scorer, Lm({{5}}), 1);
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(result->n_best.front().tokens, ElementsAre(5));
  EXPECT_THAT(result->free.tokens, ElementsAre(5));
}

TEST(BeamSearch, LoopsEndAtTheLimitOfTokens) {
  ScriptedScorer scorer(kVocab, [](const std::vector<TokenId>&) { return Row({{5, -0.001f}}); });
  const auto result = Search().Run(scorer, Lm({{5, 5, 5}}), 2);
  ASSERT_TRUE(result.has_value());
  EXPECT_LE(scorer.steps, 2 * 6.5 + 4 + 2);
  ASSERT_FALSE(result->n_best.empty());
  EXPECT_LE(result->n_best.front().tokens.size(), 17u);
}

TEST(BeamSearch, RowsThatAreNoNumbersGiveNoWords) {
  for (const float bad : {std::nanf(""), -INFINITY}) {
    ScriptedScorer scorer(kVocab,
                          [bad](const std::vector<TokenId>&) { return std::vector<float>(kVocab, bad); });
    const auto result = Search().Run(scorer, Lm({{5}}), 1);
    ASSERT_TRUE(result.has_value());
    EXPECT_THAT(result->n_best, IsEmpty());
    EXPECT_THAT(result->free.tokens, IsEmpty());
  }
}

TEST(BeamSearch, NeverMoreRowsThanTheBeamAndTheFreeOne) {
  ScriptedScorer scorer(kVocab, [](const std::vector<TokenId>& t) {
    std::vector<float> row(kVocab, -2);
    row[kEnd] = t.size() < 4 ? -8 : 0;
    return row;
  });
  const auto result = Search({.beam = 3}).Run(scorer, Lm({{5, 6}, {7, 8}}), 3);
  ASSERT_TRUE(result.has_value());
  EXPECT_LE(scorer.most_rows, 4u);
  for (size_t i = 1; i < result->n_best.size(); ++i) {
    EXPECT_GE(result->n_best[i - 1].score, result->n_best[i].score);
  }
}

TEST(BeamSearch, APrefixIsKept) {
  ScriptedScorer scorer(kVocab, [](const std::vector<TokenId>& t) {
    return t.size() < 3 ? Row({{5, -0.1f}, {6, -3}}) : Row({{kEnd, -0.01f}});
  });
  const std::vector<TokenId> prefix = {6, 6};
  const auto result = Search().Run(scorer, Lm({{5, 5, 5}}), 2, prefix);
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(result->n_best.front().tokens, ElementsAre(6, 6, 5));
}

TEST(BeamSearch, StopEndsIt) {
  std::atomic<bool> stop = false;
  ScriptedScorer scorer(kVocab, [&](const std::vector<TokenId>& t) {
    if (t.size() == 2) stop = true;
    return Row({{5, -0.001f}});
  });
  const auto result = Search().Run(scorer, Lm({{5}}), 20, {}, &stop);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_LE(scorer.steps, 4u);
}

}  // namespace
}  // namespace sotto
