// What a route costs where nobody needs it: the cascade around an answer that is there at once (no model), a key
// and a hit of the exact cache.
//   bench_route
#include <benchmark/benchmark.h>

#include <algorithm>

#include "base/check.h"
#include "route/cascade.h"
#include "route/exact_cache.h"

namespace sotto {
namespace {

Understanding Meant() {
  Understanding understanding;
  understanding.calls.push_back(
      {ToolCall{"check_balance", {{"account_type", "savings"}}}, 0.99, {{"account_type", 0.99}}});
  understanding.confidence = 0.99;
  understanding.transcript = "what is the balance of my savings account";
  return understanding;
}

class AtOnce final : public Understander {
 public:
  void Begin(Conversation, Expectation, std::vector<std::string>) override {}
  void Hear(std::string, Done) override {}
  void Commit(std::vector<Transcript::Hypothesis>, Duration, Done done) override { done(Meant()); }
  void Abandon() override {}
};

// A conversation of so many turns before.
Conversation History(int64_t turns) {
  Conversation history;
  for (int64_t i = 0; i < turns; ++i)
    history.turns.push_back({"move two hundred from checking to savings",
                             {},
                             {{"transfer_money", {{"amount", 200}, {"from_account", "checking"}}}}});
  return history;
}

std::shared_ptr<RoutePlan> Plan(bool cached, const Clock& clock) {
  auto plan = std::make_shared<RoutePlan>();
  plan->fingerprint = "banking";
  plan->tag = "banking";
  if (cached) {
    PlanStep cache;
    cache.name = "cache";
    cache.kind = PlanStep::Kind::kCache;
    plan->steps.push_back(cache);
    plan->cache = std::make_shared<ExactCache>(clock, 100000);
    plan->keep_for = [](const ToolCall&) { return std::chrono::hours(1); };
  }
  PlanStep specialist;
  specialist.name = "specialist";
  specialist.listens = true;
  specialist.accept.overall = 0.9;
  specialist.make = [](Scheduler&) { return std::make_unique<AtOnce>(); };
  plan->steps.push_back(specialist);
  return plan;
}

// Turns one by one, each timed: p50 and p99 are counters.
void Turns(benchmark::State& state, Understander& understander, MadeBy made_by) {
  const Conversation history = History(state.range(0));
  std::vector<double> us;
  const SystemClock clock;
  for (auto _ : state) {
    const TimePoint start = clock.Now();
    understander.Begin(history, {}, {"affirm", "deny", "help"});
    bool told = false;
    understander.Commit({{"what is the balance of my savings account"}}, std::chrono::seconds(5),
                        [&](Result<Understanding> answer) { told = answer && answer->made_by == made_by; });
    us.push_back(Milliseconds(clock.Now() - start) * 1000);
    SOTTO_CHECK(told);
  }
  std::sort(us.begin(), us.end());
  state.counters["p50_us"] = us[us.size() / 2];
  state.counters["p99_us"] = us[us.size() * 99 / 100];
}

void WithoutARoute(benchmark::State& state) {
  AtOnce alone;
  Turns(state, alone, MadeBy::kModel);
}
BENCHMARK(WithoutARoute)->Arg(0)->Arg(6);

void ThroughACascade(benchmark::State& state) {
  const SystemClock clock;
  Scheduler scheduler(clock);
  const auto cascade = MakeCascade(Plan(false, clock), scheduler);
  Turns(state, *cascade, MadeBy::kModel);
}
BENCHMARK(ThroughACascade)->Arg(0)->Arg(6);

void HitThroughACascade(benchmark::State& state) {
  const SystemClock clock;
  Scheduler scheduler(clock);
  const auto cascade = MakeCascade(Plan(true, clock), scheduler);
  cascade->Begin(History(state.range(0)), {}, {"affirm", "deny", "help"});
  cascade->Commit({{"what is the balance of my savings account"}}, std::chrono::seconds(5),
                  [](Result<Understanding>) {});
  Turns(state, *cascade, MadeBy::kCache);
}
BENCHMARK(HitThroughACascade)->Arg(0)->Arg(6);

// Key and lookup alone, among so many entries.
void ExactHit(benchmark::State& state) {
  const SystemClock clock;
  ExactCache cache(clock, 1000000, size_t{2} << 30);
  CacheScope scope{"banking", History(0), {}, {"affirm", "deny", "help"}};
  for (int64_t i = 0; i < state.range(0); ++i)
    cache.Keep(CacheKey(scope, "sentence " + std::to_string(i)), Meant(), std::chrono::hours(1), {"banking"});
  for (auto _ : state) {
    const auto found = cache.Find(CacheKey(scope, "sentence 77"));
    SOTTO_CHECK(found.has_value());
  }
}
BENCHMARK(ExactHit)->Arg(100)->Arg(100000);

}  // namespace
}  // namespace sotto

BENCHMARK_MAIN();
