#include "route/surety.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "route/known_sentences.h"

namespace sotto {
namespace {

const KnownSentence kBank[] = {{"what is my balance", "check_balance"},
                               {"tell me the balance of my savings", "check_balance"},
                               {"how much is in checking", "check_balance"},
                               {"move 200 from checking to savings", "transfer_money"},
                               {"transfer fifty dollars to savings", "transfer_money"},
                               {"my card was stolen", "cancel_card"}};

Understanding Called(std::string tool, std::string said) {
  Understanding understanding;
  understanding.calls.push_back({ToolCall{std::move(tool), Json::object()}, 0.9, {}});
  understanding.confidence = 0.9;
  understanding.transcript = std::move(said);
  return understanding;
}

TEST(KnownSentences, TheSameSentenceIsNearestAndAgrees) {
  const KnownSentences known(kBank);
  const auto same = known.Compare("What is my balance?", "check_balance");
  EXPECT_NEAR(same.nearest, 1, 1e-5);
  EXPECT_EQ(same.unseen, 0);
  EXPECT_GT(same.agreement, 0.6);
  EXPECT_LT(known.Compare("What is my balance?", "cancel_card").agreement, 0.4);
}

TEST(KnownSentences, WhatNobodyEverSaidIsLikeNothing) {
  const KnownSentences known(kBank);
  const auto foreign = known.Compare("wobbly giraffes", "check_balance");
  EXPECT_EQ(foreign.nearest, 0);
  EXPECT_NEAR(foreign.unseen, 1, 1e-6);
  EXPECT_EQ(foreign.agreement, 0);
  const auto half = known.Compare("giraffe balance", "check_balance");
  EXPECT_GT(half.unseen, 0.3);
  EXPECT_LT(half.unseen, 1);
}

TEST(KnownSentences, OneNumberIsLikeAnother) {
  const KnownSentences known(kBank);
  EXPECT_NEAR(known.Compare("move 735 from checking to savings", "transfer_money").nearest, 1, 1e-5);
}

TEST(KnownSentences, NothingIsLikeNothing) {
  const KnownSentences none({});
  EXPECT_EQ(none.Compare("balance", "check_balance").nearest, 0);
  EXPECT_EQ(none.Compare("", "check_balance").unseen, 1);
}

TEST(KnownSentences, OtherSentencesHaveAnotherId) {
  const KnownSentences known(kBank);
  EXPECT_EQ(known.id().size(), 16u);
  EXPECT_EQ(known.id(), KnownSentences(kBank).id());
  EXPECT_NE(known.id(), KnownSentences(std::span(kBank).first(5)).id());
}

// What only the words can tell: of calls that the model is equally sure of, those whose neighbours ask for something else
// are wrong more often.
struct Labelled {
  std::vector<Surety::Features> rows;
  std::vector<bool> right;
};
Labelled Draw(const KnownSentences& known, uint64_t seed, size_t n) {
  Random random(seed);
  Labelled drawn;
  for (size_t i = 0; i < n; ++i) {
    const bool agrees = random.Chance(0.8);
    const double tool = -0.5 * random.Uniform();
    const Understanding understanding =
        Called(agrees ? "check_balance" : "cancel_card", "what is my balance");
    drawn.rows.push_back(Surety::FeaturesOf({tool, tool, tool, 0.5}, understanding, {}, known));
    drawn.right.push_back(random.Chance(agrees ? 0.98 : 0.5));
  }
  return drawn;
}

TEST(Surety, LearnsWhatTheModelDoesNotKnow) {
  const KnownSentences known(kBank);
  const Labelled taught = Draw(known, 1, 2000);
  const auto surety = Surety::Fit(taught.rows, taught.right);
  ASSERT_TRUE(surety) << surety.error().message;
  const DecisionFacts facts{-0.1, -0.1, -0.1, 0.5};
  const double agrees =
      surety->Of(Surety::FeaturesOf(facts, Called("check_balance", "what is my balance"), {}, known));
  const double differs =
      surety->Of(Surety::FeaturesOf(facts, Called("cancel_card", "what is my balance"), {}, known));
  EXPECT_NEAR(agrees, 0.98, 0.02);
  EXPECT_NEAR(differs, 0.5, 0.1);
}

TEST(Surety, TooLittleTeachesNothing) {
  const KnownSentences known(kBank);
  const Labelled few = Draw(known, 1, 199);
  EXPECT_EQ(Surety::Fit(few.rows, few.right).error().code, ErrorCode::kNotFound);
  const Labelled many = Draw(known, 1, 300);
  EXPECT_FALSE(Surety::Fit(many.rows, std::vector<bool>(300, true)));
}

TEST(Surety, WhatIsNoNumberIsNotSure) {
  const KnownSentences known(kBank);
  const Labelled taught = Draw(known, 1, 2000);
  const auto surety = Surety::Fit(taught.rows, taught.right);
  ASSERT_TRUE(surety);
  const DecisionFacts broken{std::nan(""), -0.1, -0.1, 0.5};
  EXPECT_EQ(surety->Of(Surety::FeaturesOf(broken, Called("check_balance", "balance"), {}, known)), 0);
}

TEST(Surety, ARuleIsCertain) {
  const SuretyJudge judge{{}, std::make_shared<const KnownSentences>(kBank)};
  Understanding understanding = Called("affirm", "yes");
  EXPECT_EQ(judge({}, understanding, {}), 0.5);  // without weights
  understanding.made_by = MadeBy::kRule;
  EXPECT_EQ(judge({}, understanding, {}), 1);
}

TEST(Surety, ComesBackAsItWas) {
  const KnownSentences known(kBank);
  const Labelled taught = Draw(known, 2, 500);
  const auto surety = Surety::Fit(taught.rows, taught.right);
  ASSERT_TRUE(surety);
  Json json = surety->ToJson();
  const auto again = Surety::FromJson(json);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *surety);
  json.erase("agreement");
  EXPECT_EQ(Surety::FromJson(json).error().message, "agreement should be a number");
  json["agreement"] = 1;
  json["other"] = 1;
  EXPECT_FALSE(Surety::FromJson(json));
}

}  // namespace
}  // namespace sotto
