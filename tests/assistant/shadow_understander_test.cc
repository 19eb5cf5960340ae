#include "assistant/shadow_understander.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

// Answers when it is told to.
struct Scripted final : Understander {
  void Begin(Conversation history, Expectation, std::vector<std::string>) override {
    turns = history.turns.size();
  }
  void Hear(std::string partial, Done) override { heard = std::move(partial); }
  void Commit(std::vector<Transcript::Hypothesis>, Duration, Done done) override {
    waiting.push_back(std::move(done));
  }
  void Abandon() override { ++abandoned; }
  void Answer(const char* tool) {
    Understanding understood;
    understood.calls.push_back({ToolCall{tool, Json::object()}, 0.9, {}});
    waiting.back()(std::move(understood));
  }
  size_t turns = 0;
  int abandoned = 0;
  std::string heard;
  std::vector<Done> waiting;
};

struct Pair {
  Scripted* acting = nullptr;
  Scripted* shadow = nullptr;
  std::unique_ptr<Understander> both;
  std::string told;

  Pair() {
    auto first = std::make_unique<Scripted>();
    auto second = std::make_unique<Scripted>();
    acting = first.get();
    shadow = second.get();
    both = MakeShadowUnderstander(std::move(first), std::move(second));
  }
  void Commit() {
    both->Commit({{"what is my balance", 0}}, std::chrono::seconds(1),
                 [this](Result<Understanding> understood) {
                   told = understood ? understood->calls.front().call.name : understood.error().message;
                 });
  }
};

TEST(ShadowUnderstander, TheTurnWaitsForWhoActsAlone) {
  Pair pair;
  Conversation history;
  history.turns.resize(2);
  pair.both->Begin(history, {}, {});
  EXPECT_EQ(pair.shadow->turns, 2u);
  pair.both->Hear("what is", nullptr);
  EXPECT_EQ(pair.acting->heard, "what is");
  EXPECT_EQ(pair.shadow->heard, "");
  pair.Commit();
  pair.acting->Answer("check_balance");
  EXPECT_EQ(pair.told, "check_balance");
  EXPECT_FALSE(pair.both->TakeShadow());
  pair.shadow->Answer("pay_bill");
  const auto shadow = pair.both->TakeShadow();
  ASSERT_TRUE(shadow);
  EXPECT_EQ(shadow->calls.front().call.name, "pay_bill");
  EXPECT_FALSE(pair.both->TakeShadow());  // taken once
}

TEST(ShadowUnderstander, WhatComesAfterTheNextTurnBeganIsDropped) {
  Pair pair;
  pair.both->Begin({}, {}, {});
  pair.Commit();
  pair.acting->Answer("check_balance");
  pair.both->Begin({}, {}, {});
  pair.Commit();
  const auto late = pair.shadow->waiting.front();
  Understanding old;
  old.calls.push_back({ToolCall{"old", Json::object()}, 0.9, {}});
  late(std::move(old));
  EXPECT_FALSE(pair.both->TakeShadow());
  pair.shadow->waiting.back()(MakeError(ErrorCode::kTimeout, "too late"));
  EXPECT_FALSE(pair.both->TakeShadow());
  pair.both->Abandon();
  EXPECT_EQ(pair.shadow->abandoned, 1);
  EXPECT_EQ(pair.acting->abandoned, 1);
}

}  // namespace
}  // namespace sotto
