// A route beside endpoints that fail at random: down, slow, overloaded, rate-limited, lying (errors in a 200, tools that were
// not offered, bytes that are no JSON), streams cut in the middle and dripping ones. Conversations talk all the while.
// Every turn must be told exactly once, within its limit and a grace; threads and memory must not grow. Exit code 1 where one
// of that fails. The endpoint is a process of its own, on 127.0.0.1.
//   bench_route_chaos --minutes 30 --seed 1
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "base/random.h"
#include "loopback_server.h"
#include "route/cascade.h"

namespace sotto {
namespace {

using namespace std::chrono_literals;

constexpr auto kLimit = 1500ms;  // of a turn
constexpr auto kGrace = 1000ms;  // of a machine that does other things
constexpr auto kLost = 20s;      // after which nobody will be told any more

std::string GoodCall(std::string_view tool) {
  return fmt::format(
      R"({{"choices":[{{"message":{{"role":"assistant","content":null,"tool_calls":[{{"id":"x","type":"function",)"
      R"("function":{{"name":"{}","arguments":"{{}}"}}}}]}},"finish_reason":"tool_calls"}}],)"
      R"("usage":{{"prompt_tokens":100,"completion_tokens":10}}}})",
      tool);
}

std::string Chunk(std::string_view tool) {
  return fmt::format(
      "data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"name\":\"{}\","
      "\"arguments\":\"{{}}\"}}}}]}}}}]}}\n\n",
      tool);
}
constexpr const char* kStreamStart =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
constexpr const char* kStreamStop =
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n";

// One connection after the other; which fault comes next is drawn.
void Misbehave(int connection, Random random) {
  while (true) {
    const ReceivedRequest request = ReceiveRequest(connection);
    if (request.head.empty()) return;
    const bool stream = request.body.find("\"stream\":true") != std::string::npos;
    const double fault = random.Uniform();
    if (fault < 0.35) {
      if (!stream) {
        if (!SendBytes(connection, AnswerText(200, GoodCall("balance")))) return;
        continue;
      }
      SendBytes(connection, kStreamStart + Chunk("balance") + kStreamStop);
      return;
    }
    if (fault < 0.42) {
      SendBytes(connection, AnswerText(500, "broken"));
    } else if (fault < 0.49) {
      SendBytes(connection, AnswerText(200, R"({"error":{"message":"overloaded","type":"server_error"}})"));
    } else if (fault < 0.54) {
      SendBytes(connection, AnswerText(429, "slow down", "Retry-After: 1\r\n"));
    } else if (fault < 0.61) {
      SendBytes(connection, AnswerText(200, GoodCall("rob_the_bank")));
    } else if (fault < 0.67) {
      SendBytes(connection, AnswerText(200, "\x01\xff no json"));
    } else if (fault < 0.75) {
      SendBytes(connection, kStreamStart + Chunk("balance"));  // cut in the middle
      return;
    } else if (fault < 0.83) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200 + random.Below(3000)));
      SendBytes(connection, AnswerText(200, GoodCall("balance")));
    } else if (fault < 0.90) {
      const std::string answer = kStreamStart + Chunk("balance") + kStreamStop;
      for (const char byte : answer) {  // drips
        if (!SendBytes(connection, {&byte, 1})) return;
        std::this_thread::sleep_for(20ms);
      }
      return;
    } else if (fault < 0.95) {
      return;  // says nothing
    } else {
      WaitForEnd(connection);  // never answers
      return;
    }
  }
}

// The endpoint's process; tells its port through a pipe and ends with its parent.
class Endpoint {
 public:
  explicit Endpoint(uint64_t seed) {
    int ends[2];
    SOTTO_CHECK(pipe(ends) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      signal(SIGPIPE, SIG_IGN);
      std::atomic<uint64_t> connections{0};
      const LoopbackServer server(
          [&](int connection) { Misbehave(connection, Random(seed * 1000003 + connections++)); });
      const int port = server.port();
      SOTTO_CHECK(write(ends[1], &port, sizeof port) == sizeof port);
      while (true) pause();
    }
    SOTTO_CHECK(read(ends[0], &port_, sizeof port_) == sizeof port_);
    close(ends[0]);
    close(ends[1]);
  }
  ~Endpoint() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  std::string url() const { return fmt::format("http://127.0.0.1:{}/v1", port_); }

 private:
  pid_t pid_ = -1;
  int port_ = 0;
};

Understanding Said(std::string tool, double confidence) {
  Understanding understanding;
  understanding.calls.push_back({ToolCall{std::move(tool), Json::object()}, confidence, {}});
  understanding.confidence = confidence;
  return understanding;
}

// A specialist that is mostly unsure, on the scheduler like a real one.
class Unsure final : public Understander {
 public:
  Unsure(Scheduler& scheduler, uint64_t seed) : scheduler_(scheduler), random_(seed) {}
  void Begin(Conversation, Expectation, std::vector<std::string>) override {}
  void Hear(std::string, Done) override {}
  void Commit(std::vector<Transcript::Hypothesis>, Duration limit, Done done) override {
    const double confidence = random_.Chance(0.3) ? 0.95 : 0.4;
    scheduler_.Post(
        {.deadline = scheduler_.clock().Now() + limit, .what = "specialist"},
        [confidence](std::stop_token) -> Result<Understanding> { return Said("balance", confidence); },
        std::move(done));
  }
  void Abandon() override {}

 private:
  Scheduler& scheduler_;
  Random random_;
};

Result<std::shared_ptr<const RoutePlan>> MakePlan(const std::string& url, uint64_t seed) {
  auto plan = std::make_shared<RoutePlan>();
  plan->fingerprint = "chaos";
  plan->privacy.rule = PrivacyRule::kAllow;
  plan->check = [](const Conversation&, std::span<const std::string>, std::string_view,
                   std::span<const ToolCall> calls) -> std::optional<std::string> {
    for (const ToolCall& call : calls)
      if (call.name != "balance") return "a tool that was not offered";
    return std::nullopt;
  };
  PlanStep local;
  local.name = "specialist";
  local.accept.overall = 0.9;
  local.make = [next = std::make_shared<std::atomic<uint64_t>>(seed)](Scheduler& scheduler) {
    return std::make_unique<Unsure>(scheduler, (*next)++);
  };
  plan->steps.push_back(std::move(local));
  const auto context = RemoteContext::Make();
  for (const bool stream : {false, true}) {
    RemoteOptions options;
    options.name = stream ? "streaming" : "whole";
    options.base_url = url;
    options.model = options.name;
    options.timeout = 700ms;
    options.retries = 1;
    options.hedge_after = stream ? Duration(0) : Duration(250ms);
    options.stream = stream;
    options.breaker = {.failures = 5, .open = 1s};
    auto remote = std::make_shared<RemoteStep>();
    remote->name = options.name;
    SOTTO_ASSIGN_OR_RETURN(remote->model, RemoteModel::Create(std::move(options), context));
    remote->tools = {{"balance", "The balance", Json::object()}};
    PlanStep step;
    step.name = remote->name;
    step.kind = PlanStep::Kind::kRemote;
    step.budget = 700ms;
    step.remote = std::move(remote);
    plan->steps.push_back(std::move(step));
  }
  SOTTO_RETURN_IF_ERROR(plan->Check());
  return plan;
}

// The step that was believed; "unsure": nobody was, and the best was taken.
std::string WhoAnswered(const Result<Understanding>& answer) {
  if (!answer) return "error";
  for (const RouteStep& step : answer->route)
    if (step.outcome == RouteStep::Outcome::kAccepted) return step.step;
  return "unsure";
}

struct Count {
  std::mutex mutex;
  // Guarded by mutex:
  std::map<std::string, uint64_t> outcomes;
  std::vector<double> ms;
  uint64_t turns = 0, lost = 0, late = 0;
  // Told a second time, whenever that was.
  const std::shared_ptr<std::atomic<uint64_t>> twice = std::make_shared<std::atomic<uint64_t>>(0);
};

// One conversation after the other, turn by turn.
void Talk(const std::shared_ptr<const RoutePlan>& plan, Scheduler& scheduler, int caller, TimePoint until,
          Count& count) {
  const SystemClock clock;
  Random random(static_cast<uint64_t>(caller));
  uint64_t turn = 0;
  while (clock.Now() < until) {
    const auto cascade = MakeCascade(plan, scheduler);
    for (int i = 0; i < 10 && clock.Now() < until; ++i) {
      struct Told {
        std::mutex mutex;
        std::condition_variable changed;
        int times = 0;
        std::string outcome;
      };
      const auto told = std::make_shared<Told>();
      cascade->Begin({}, {}, {});
      const TimePoint start = clock.Now();
      cascade->Commit({{fmt::format("what is the balance of {} {}", caller, turn++)}}, kLimit,
                      [told, twice = count.twice](Result<Understanding> answer) {
                        const std::lock_guard lock(told->mutex);
                        if (++told->times > 1) ++*twice;
                        told->outcome = WhoAnswered(answer);
                        told->changed.notify_one();
                      });
      std::unique_lock lock(told->mutex);
      const bool in_time = told->changed.wait_for(lock, kLost, [&] { return told->times > 0; });
      const Duration took = clock.Now() - start;
      const std::string outcome = told->outcome;
      lock.unlock();
      std::unique_lock counting(count.mutex);
      ++count.turns;
      if (!in_time) ++count.lost;
      if (took > kLimit + kGrace) ++count.late;
      ++count.outcomes[outcome];
      if (count.ms.size() < 2000000) count.ms.push_back(Milliseconds(took));
      counting.unlock();
      // Callers draw breath: else the breakers would be open all the time.
      std::this_thread::sleep_for(std::chrono::milliseconds(50 + random.Below(400)));
    }
  }
}

struct Size {
  long threads = 0;
  long kilobytes = 0;
};
Size SizeNow() {
  Size size;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Threads:")) size.threads = std::stol(line.substr(8));
    if (line.starts_with("VmRSS:")) size.kilobytes = std::stol(line.substr(6));
  }
  return size;
}

Result<bool> Run(double minutes, uint64_t seed, int callers) {
  const Endpoint endpoint(seed);
  SOTTO_ASSIGN_OR_RETURN(const auto plan, MakePlan(endpoint.url(), seed));
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 2});
  const TimePoint begin = clock.Now();
  const auto length = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(minutes * 60));
  Count count;
  std::vector<std::thread> talking;
  for (int i = 0; i < callers; ++i)
    talking.emplace_back([&, i] { Talk(plan, scheduler, i, begin + length, count); });
  // What was needed once stays: growth is counted from a fifth on.
  std::this_thread::sleep_until(begin + length / 5);
  const Size early = SizeNow();
  std::this_thread::sleep_until(begin + length - length / 50);
  const Size late = SizeNow();
  for (std::thread& thread : talking) thread.join();
  std::sort(count.ms.begin(), count.ms.end());
  const auto at = [&](double share) {
    return count.ms.empty()
               ? 0
               : count.ms[std::min(count.ms.size() - 1,
                                   static_cast<size_t>(share * static_cast<double>(count.ms.size())))];
  };
  fmt::print(
      "{} turns of {} callers in {:g} minutes: {} lost, {} told twice, {} late; p50 {:.0f} p95 {:.0f} most "
      "{:.0f} ms\n",
      count.turns, callers, minutes, count.lost, count.twice->load(), count.late, at(0.5), at(0.95), at(1));
  for (const auto& [outcome, n] : count.outcomes) fmt::print("  {:<12} {}\n", outcome, n);
  // The samples of times are this program's own.
  const long own = static_cast<long>(count.ms.size() * sizeof(double) / 1024 * 2);
  fmt::print("threads {} -> {}, memory {} -> {} kB (of it {} at most this program's own notes)\n",
             early.threads, late.threads, early.kilobytes, late.kilobytes, own);
  return count.lost == 0 && *count.twice == 0 && count.late == 0 && count.turns > 0 &&
         late.threads <= early.threads + 1 && late.kilobytes - own <= early.kilobytes + 4096;
}

}  // namespace
}  // namespace sotto

int main(int argc, char** argv) {
  CLI::App app("A route beside endpoints that fail at random");
  double minutes = 30;
  uint64_t seed = 1;
  int callers = 8;
  app.add_option("--minutes", minutes, "How long")->check(CLI::Range(0.05, 1000.0))->capture_default_str();
  app.add_option("--seed", seed, "Of the faults")->capture_default_str();
  app.add_option("--callers", callers, "At once")->check(CLI::Range(1, 1000))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const auto good = sotto::Run(minutes, seed, callers);
  if (!good) {
    fmt::print(stderr, "bench_route_chaos: {}\n", good.error().message);
    return 1;
  }
  return *good ? 0 : 1;
}
