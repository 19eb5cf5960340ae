// What a route costs where nobody needs it: the cascade around an answer that is there at once (no model), how sure that
// is, a key and a hit of the exact cache, of Redis (a server of its own, where one is installed), and a sentence like
// others among 100,000.
//   bench_route
#include <benchmark/benchmark.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <thread>

#include "base/check.h"
#include "core/conversation_jsonl.h"
#include "route/cascade.h"
#include "route/exact_cache.h"
#include "route/redis_cache.h"
#include "route/surety.h"

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

// How sure: the features of one understanding, among the sentences written for a shipped workflow.
void HowSure(benchmark::State& state) {
  std::vector<KnownSentence> sentences;
  for (const char* name : {"seed.jsonl", "voices.jsonl"}) {
    const auto rows = ReadConversations(std::string(SOTTO_SOURCE_DIR "/workflows/banking/") + name);
    SOTTO_CHECK(rows.has_value(), "{}", rows.error().message);
    for (const LabelledConversation& row : *rows)
      for (const Turn& turn : row.conversation.turns)
        if (!turn.calls.empty()) sentences.push_back({turn.user, turn.calls.front().name});
  }
  const SuretyJudge judge{{}, std::make_shared<const KnownSentences>(sentences)};
  state.counters["sentences"] = static_cast<double>(sentences.size());
  const DecisionFacts facts{-0.01, -0.01, -0.02, 0.9};
  std::vector<double> us;
  const SystemClock clock;
  Understanding understanding = Meant();
  size_t next = 0;
  for (auto _ : state) {
    // Every seventh sentence, all kinds and lengths.
    understanding.transcript = sentences[(next += 7) % sentences.size()].said;
    const TimePoint start = clock.Now();
    benchmark::DoNotOptimize(judge(facts, understanding, {}));
    us.push_back(Milliseconds(clock.Now() - start) * 1000);
  }
  std::sort(us.begin(), us.end());
  state.counters["p50_us"] = us[us.size() / 2];
  state.counters["p99_us"] = us[us.size() * 99 / 100];
}
BENCHMARK(HowSure);

// A sentence of its own words for each number.
std::string Sentence(int64_t i) {
  static constexpr const char* kWords[] = {"grocery", "fuel",   "travel", "phone", "gas",     "water",
                                           "rent",    "school", "gym",    "taxi",  "medical", "hotel"};
  std::string said = "show me the payments for";
  for (int64_t rest = i; rest > 0; rest /= 12) said += std::string(" ") + kWords[rest % 12];
  return said;
}

// 100,000 entries, so many of them with the guess that is looked for; compared by letters, without the encoder.
void SemanticLookup(benchmark::State& state) {
  const SystemClock clock;
  constexpr int64_t kEntries = 100000;
  SemanticCache cache(clock, *LanguageFor("en"), nullptr, {.most = kEntries, .similarity = 0.7});
  const CacheScope scope{"banking", {}, {}, {}};
  const auto guess = [&](int64_t i) {
    Understanding one = Meant();
    one.calls[0].call.arguments["group"] = i / state.range(0);
    return one;
  };
  for (int64_t i = 0; i < kEntries; ++i)
    cache.Keep(scope, Sentence(i), guess(i), guess(i), std::chrono::hours(1), {"banking"});
  (void)cache.Find(scope, Sentence(0), guess(0));  // the vectors of this guess are made once
  size_t found = 0;
  for (auto _ : state) found += cache.Find(scope, Sentence(0) + " please", guess(0)).has_value() ? 1 : 0;
  state.counters["found"] = static_cast<double>(found) / static_cast<double>(state.iterations());
}
BENCHMARK(SemanticLookup)->Arg(1)->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);

// A server of this program's own; ended with it.
class OwnRedis {
 public:
  OwnRedis() : pid_(fork()) {
    if (pid_ != 0) return;
    execlp("redis-server", "redis-server", "--port", "16379", "--bind", "127.0.0.1", "--save", "",
           "--appendonly", "no", "--logfile", "/dev/null", nullptr);
    _exit(127);
  }
  ~OwnRedis() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  OwnRedis(const OwnRedis&) = delete;
  OwnRedis& operator=(const OwnRedis&) = delete;

 private:
  const pid_t pid_;
};

void RedisHit(benchmark::State& state) {
  const OwnRedis server;
  RedisOptions options;
  options.port = 16379;
  options.stay_away = std::chrono::milliseconds(100);
  options.warns = false;
  const auto cache = RedisCache::Make(options);
  const auto find = [&] {
    std::promise<bool> told;
    cache->Find("key", [&](std::optional<Understanding> found) { told.set_value(found.has_value()); });
    return told.get_future().get();
  };
  bool there = false;
  for (int i = 0; i < 50 && !there; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(110));
    cache->Keep("key", Meant(), std::chrono::hours(1), {});
    cache->Settle();
    there = find();
  }
  if (!there) return state.SkipWithError("no redis-server answers on port 16379");
  std::vector<double> us;
  const SystemClock clock;
  for (auto _ : state) {
    const TimePoint start = clock.Now();
    SOTTO_CHECK(find());
    us.push_back(Milliseconds(clock.Now() - start) * 1000);
  }
  std::sort(us.begin(), us.end());
  state.counters["p50_us"] = us[us.size() / 2];
  state.counters["p99_us"] = us[us.size() * 99 / 100];
}
BENCHMARK(RedisHit);

}  // namespace
}  // namespace sotto

BENCHMARK_MAIN();
