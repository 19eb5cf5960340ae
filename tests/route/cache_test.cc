#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "base/sha256.h"
#include "route/exact_cache.h"

namespace sotto {
namespace {

using namespace std::chrono_literals;

Understanding Meant(std::string tool) {
  Understanding understanding;
  understanding.calls.push_back({ToolCall{std::move(tool), {{"amount", 20}}}, 0.9, {{"amount", 0.9}}});
  understanding.confidence = 0.9;
  return understanding;
}

CacheScope Scope() {
  CacheScope scope;
  scope.fingerprint = "banking 1";
  scope.offered = {"affirm", "deny"};
  return scope;
}

TEST(Sha256, KnownDigests) {  // FIPS 180-2, appendix B.1
  EXPECT_EQ(Sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(CacheText, ForgetsOnlyWhatChangesNothing) {
  EXPECT_EQ(CacheText("Um, what's my BALANCE."), CacheText("whats my balance"));
  EXPECT_EQ(CacheText("uh"), CacheText("Uh."));
  EXPECT_NE(CacheText("yes"), CacheText("yes?"));
  EXPECT_NE(CacheText("pay $20"), CacheText("pay 20"));
  EXPECT_NE(CacheText("pay 50-60"), CacheText("pay 50 60"));
  EXPECT_NE(CacheText("two uh fifty"), CacheText("two fifty"));
  EXPECT_NE(CacheText("pay 20"), CacheText("pay 21"));
  EXPECT_NE(CacheText("block it"), CacheText("unblock it"));
}

TEST(CacheKey, EverythingThatCountsChangesIt) {
  const std::string said = "what is my balance";
  const std::string key = CacheKey(Scope(), said);
  EXPECT_EQ(key.size(), 64u);
  EXPECT_EQ(CacheKey(Scope(), "What is my balance?!").size(), 64u);
  std::vector<CacheScope> others(9, Scope());
  others[0].fingerprint = "banking 2";
  others[1].offered = {"affirm"};
  others[2].offered = {"affirmdeny"};
  others[3].expectation.kind = Expectation::Kind::kConfirm;
  others[4].expectation = {Expectation::Kind::kSlots, "pay", {"amount"}};
  others[5].history.channel = Channel::kSpoken;
  others[6].history.today = ParseDate("2026-03-03");
  others[7].history.turns.push_back({"move money", {}, {ToolCall{"move", Json::object()}}});
  others[8].history.turns.push_back({"move money", {}, {ToolCall{"move", {{"amount", 1}}}}});
  std::set<std::string> keys{key, CacheKey(Scope(), "what is my limit")};
  for (const CacheScope& scope : others) keys.insert(CacheKey(scope, said));
  EXPECT_EQ(keys.size(), others.size() + 2);
}

TEST(ExactCache, FindsWhatItKeepsUntilItsTime) {
  FakeClock clock;
  ExactCache cache(clock, 10);
  cache.Keep("a", Meant("balance"), 60s, {"banking"});
  ASSERT_TRUE(cache.Find("a"));
  EXPECT_EQ(cache.Find("a")->calls[0].call.name, "balance");
  EXPECT_FALSE(cache.Find("b"));
  clock.Advance(59s);
  EXPECT_TRUE(cache.Find("a"));
  clock.Advance(1s);
  EXPECT_FALSE(cache.Find("a"));
  EXPECT_EQ(cache.counters().entries, 0u);
  cache.Keep("c", Meant("x"), 0s, {});
  EXPECT_FALSE(cache.Find("c"));
}

TEST(ExactCache, TheLeastRecentlyUsedGoes) {
  FakeClock clock;
  ExactCache cache(clock, 2);
  cache.Keep("a", Meant("a"), 60s, {});
  cache.Keep("b", Meant("b"), 60s, {});
  EXPECT_TRUE(cache.Find("a"));
  cache.Keep("c", Meant("c"), 60s, {});
  EXPECT_TRUE(cache.Find("a"));
  EXPECT_FALSE(cache.Find("b"));
  EXPECT_TRUE(cache.Find("c"));
}

TEST(ExactCache, HasABoundInBytes) {
  FakeClock clock;
  ExactCache cache(clock, 100000, 20000);
  Understanding large = Meant("a");
  large.transcript = std::string(3000, 'x');
  for (int i = 0; i < 100; ++i) cache.Keep(std::to_string(i), large, 60s, {});
  EXPECT_LE(cache.counters().bytes, 20000u);
  EXPECT_GE(cache.counters().entries, 3u);
  EXPECT_TRUE(cache.Find("99"));
  EXPECT_FALSE(cache.Find("0"));
}

TEST(ExactCache, ForgetsByTag) {
  FakeClock clock;
  ExactCache cache(clock, 10);
  cache.Keep("a", Meant("a"), 60s, {"banking", "banking/a"});
  cache.Keep("b", Meant("b"), 60s, {"banking", "banking/b"});
  cache.Keep("c", Meant("c"), 60s, {"telecom"});
  cache.Forget("banking/a");
  EXPECT_FALSE(cache.Find("a"));
  EXPECT_TRUE(cache.Find("b"));
  cache.Forget("banking");
  EXPECT_FALSE(cache.Find("b"));
  EXPECT_TRUE(cache.Find("c"));
  cache.Forget("");
  EXPECT_FALSE(cache.Find("c"));
  EXPECT_EQ(cache.counters().bytes, 0u);
}

TEST(ExactCache, ManyThreads) {
  FakeClock clock;
  ExactCache cache(clock, 50);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::string key = std::to_string((i * 7 + t) % 80);
        if (const auto found = cache.Find(key)) {
          EXPECT_EQ(found->calls[0].call.name, key);
        } else {
          cache.Keep(key, Meant(key), 60s, {"t"});
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.counters().entries, 50u);
}

}  // namespace
}  // namespace sotto
