#include "route/semantic_cache.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "route/same_meaning.h"

namespace sotto {
namespace {

using namespace std::chrono_literals;

const Date kToday = std::chrono::year(2026) / 3 / 4;

const LanguageData& English() {
  static const auto english = LanguageFor("en").value();
  return *english;
}

const char* WhyNot(std::string_view a, std::string_view b, Likeness likeness) {
  return WhyNotTheSame(ComparedSentence(English(), a, kToday), ComparedSentence(English(), b, kToday),
                       likeness);
}
const char* Loose(std::string_view a, std::string_view b) { return WhyNot(a, b, Likeness::kLoose); }
const char* Strict(std::string_view a, std::string_view b) { return WhyNot(a, b, Likeness::kStrict); }

TEST(SameMeaning, OtherWordsForTheSame) {
  EXPECT_EQ(Loose("what's in my savings account", "how much money is in my savings"), nullptr);
  EXPECT_EQ(Loose("transfer forty dollars to savings", "put $40 into savings"), nullptr);
  EXPECT_EQ(Strict("um, what's my balance please", "what's my balance"), nullptr);
}

TEST(SameMeaning, WhatTurnsItRound) {
  EXPECT_STREQ(Loose("transfer forty to savings", "transfer four hundred to savings"), "another number");
  EXPECT_STREQ(Loose("what did I spend yesterday", "what did I spend today"), "another day");
  EXPECT_NE(Loose("cancel my card", "don't cancel my card"), nullptr);
  EXPECT_STREQ(Strict("turn roaming on", "is roaming on?"), "another kind of sentence");
  EXPECT_STREQ(Loose("block my card", "unblock my card"), "an opposite");
  EXPECT_STREQ(Loose("turn the lights on", "turn the lights off"), "an opposite");
  EXPECT_STREQ(Loose("what's my highest bill", "what's my lowest bill"), "an opposite");
  EXPECT_STREQ(Strict("stick it in my rainy day pot", "stick it in my holiday pot"), "other words");
}

Understanding Calls(std::string tool, Json arguments, double confidence) {
  Understanding understanding;
  understanding.calls.push_back({ToolCall{std::move(tool), std::move(arguments)}, confidence, {}});
  understanding.confidence = confidence;
  return understanding;
}

// Without the encoder, so that it runs everywhere; by letters.
class SemanticCacheTest : public testing::Test {
 protected:
  CacheScope Scope(std::string fingerprint = "bank") {
    CacheScope scope;
    scope.fingerprint = std::move(fingerprint);
    scope.history.today = kToday;
    return scope;
  }
  bool Finds(std::string_view said, const Understanding& guess, const CacheScope& scope) {
    return cache_.Find(scope, said, guess).has_value();
  }

  FakeClock clock_;
  SemanticCache cache_{clock_, LanguageFor("en").value(), nullptr, {.most = 100, .similarity = 0.5}};
};

TEST_F(SemanticCacheTest, TwoThatAgreeAreBelieved) {
  const Understanding savings = Calls("check_balance", {{"account", "savings"}}, 0.99);
  cache_.Keep(Scope(), "what's in my savings account", savings, savings, 1h, {"banking"});
  const auto found = cache_.Find(Scope(), "what do I have in my savings account",
                                 Calls("check_balance", {{"account", "savings"}}, 0.6));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->confidence, 0.99);
  // Another guess, another tenant, another state, something far away.
  EXPECT_FALSE(Finds("what do I have in my savings account",
                     Calls("check_balance", {{"account", "checking"}}, 0.6), Scope()));
  EXPECT_FALSE(Finds("what do I have in my savings account", savings, Scope("other tenant")));
  CacheScope asked = Scope();
  asked.expectation = {Expectation::Kind::kSlots, "transfer", {"account"}};
  EXPECT_FALSE(Finds("what do I have in my savings account", savings, asked));
  EXPECT_FALSE(Finds("tell me", savings, Scope()));
}

TEST_F(SemanticCacheTest, ACorrectionHoldsForTheSameWordsOnly) {
  const Understanding lost = Calls("intent_unclear", Json::object(), 0.3);
  const Understanding meant = Calls("check_balance", {{"account", "savings"}}, 0.9);
  cache_.Keep(Scope(), "what's in the rainy day pot", lost, meant, 1h, {"banking"});
  const auto found = cache_.Find(Scope(), "um, what's in the rainy day pot please", lost);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->calls[0].call.name, "check_balance");
  EXPECT_FALSE(Finds("what's in the holiday pot", lost, Scope()));
}

TEST_F(SemanticCacheTest, ContradictionsAreNoAnswer) {
  const Understanding lost = Calls("intent_unclear", Json::object(), 0.3);
  cache_.Keep(Scope(), "what's in the pot", lost, Calls("check_balance", {{"account", "savings"}}, 0.9), 1h,
              {});
  cache_.Keep(Scope(), "what's in the pot please", lost, Calls("greeting", Json::object(), 0.9), 1h, {});
  EXPECT_FALSE(Finds("so what's in the pot", lost, Scope()));
  // The newest answer for the very same words stands.
  cache_.Keep(Scope(), "what's in the pot please", lost,
              Calls("check_balance", {{"account", "savings"}}, 0.9), 1h, {});
  EXPECT_TRUE(Finds("so what's in the pot", lost, Scope()));
}

TEST_F(SemanticCacheTest, AgesIsForgottenAndIsBounded) {
  const Understanding savings = Calls("check_balance", {{"account", "savings"}}, 0.99);
  const std::string said = "what's in my savings account";
  cache_.Keep(Scope(), said, savings, savings, 1h, {"banking", "banking/check_balance"});
  EXPECT_TRUE(Finds(said, savings, Scope()));
  clock_.Advance(2h);
  EXPECT_FALSE(Finds(said, savings, Scope()));
  cache_.Keep(Scope(), said, savings, savings, 1h, {"banking", "banking/check_balance"});
  cache_.Forget("telecom");
  EXPECT_TRUE(Finds(said, savings, Scope()));
  cache_.Forget("banking/check_balance");
  EXPECT_FALSE(Finds(said, savings, Scope()));
  EXPECT_EQ(cache_.counters().entries, 0u);
  for (int i = 0; i < 1000; ++i) {
    const Understanding one = Calls("tool" + std::to_string(i % 300), Json::object(), 0.99);
    cache_.Keep(Scope(), "sentence " + std::to_string(i), one, one, 1h, {});
  }
  EXPECT_EQ(cache_.counters().entries, 100u);
}

// Ten thousand that differ from what is kept in one thing that counts, with the guess that belongs to what is
// kept: none is found, whatever the specialist thinks.
TEST_F(SemanticCacheTest, NoSwapIsFound) {
  const std::vector<std::pair<std::string, std::string>> frames{
      {"what did I spend on {} last month", "what did I not spend on {} last month"},
      {"show the {} payments above 40", "show the {} payments above 400"},
      {"show the {} payments above 40", "show the {} payments below 40"},
      {"my {} bill for march third", "my {} bill for march fourth"},
      {"turn the {} alerts on", "turn the {} alerts off"},
      {"enable {} alerts", "disable {} alerts"},
      {"turn {} alerts on from today", "turn {} alerts on from tomorrow"},
      {"when is the first {} payment", "when is the last {} payment"},
      {"the highest {} charge this year", "the lowest {} charge this year"},
      {"tell me my {} limit", "don't tell me my {} limit"},
  };
  const std::vector<std::string> things{"grocery", "fuel",   "travel",  "phone", "gas",  "water",
                                        "rent",    "school", "medical", "gym",   "taxi", "hotel"};
  int tried = 0;
  for (int round = 0; tried < 10000; ++round) {
    for (const auto& [kept, swapped] : frames) {
      const std::string& thing = things[static_cast<size_t>(round) % things.size()];
      const std::string tail = round % 2 == 0 ? "" : " please";
      const auto fill = [&](std::string frame) {
        frame.replace(frame.find("{}"), 2, thing);
        return frame + tail;
      };
      const Understanding meant = Calls("list", {{"what", thing}, {"frame", kept}, {"round", round}}, 0.99);
      cache_.Keep(Scope(), fill(kept), meant, meant, 1h, {});
      ++tried;
      EXPECT_FALSE(Finds(fill(swapped), meant, Scope())) << fill(kept) << " / " << fill(swapped);
      EXPECT_TRUE(Finds(fill(kept), meant, Scope())) << fill(kept);
    }
  }
}

}  // namespace
}  // namespace sotto
