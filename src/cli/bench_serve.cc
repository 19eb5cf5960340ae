// sotto bench serve: how many written turns a running server answers, and how fast.
#include <atomic>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/http_client.h"
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/demo_script.h"
#include "cli/percentile.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct Flags {
  std::string url = "http://127.0.0.1:8080";
  std::string workflow;
  std::string key;
  int clients = 8;
  int seconds = 10;
  bool json = false;
};

struct Measured {
  std::mutex mutex;
  std::vector<double> turn_ms;            // guarded by mutex
  std::atomic<int64_t> refused{0};        // answers that were no turn
  std::atomic<int64_t> conversations{0};  // begun
  std::string problem;                    // the first; guarded by mutex
};

// One client: conversations one after the other, each on a session of its own, until `until`.
class Client {
 public:
  Client(const Flags& flags, std::string workflow, const std::vector<DemoLine>& lines, Measured& measured)
      : flags_(flags), workflow_(std::move(workflow)), lines_(lines), measured_(measured) {}

  void Run(TimePoint until) {
    while (clock_.Now() < until) {
      const auto begun = Post("/v1/sessions", {{"workflow", workflow_}}, 201);
      if (!begun) return;
      ++measured_.conversations;
      const std::string path = "/v1/sessions/" + begun->at("id").get<std::string>() + "/turns";
      for (const DemoLine& line : lines_) {
        const TimePoint asked = clock_.Now();
        if (asked >= until) break;
        const auto answer = Post(path, {{"text", line.text}}, 200);
        if (!answer) break;
        const double ms = Milliseconds(clock_.Now() - asked);
        const std::lock_guard lock(measured_.mutex);
        measured_.turn_ms.push_back(ms);
      }
      Send("DELETE", path.substr(0, path.size() - 6), "");
    }
  }

 private:
  Result<HttpAnswer> Send(const char* method, const std::string& path, std::string body) {
    HttpRequest request{.method = method, .url = flags_.url + path, .body = std::move(body)};
    request.headers.emplace_back("Content-Type", "application/json");
    if (!flags_.key.empty()) request.headers.emplace_back("Authorization", "Bearer " + flags_.key);
    return client_->Send(std::move(request));
  }
  std::optional<Json> Post(const std::string& path, const Json& body, int wanted) {
    const auto answer = Send("POST", path, body.dump());
    if (answer && answer->status == wanted) return Json::parse(answer->body);
    ++measured_.refused;
    const std::lock_guard lock(measured_.mutex);
    if (measured_.problem.empty()) measured_.problem = answer ? answer->body : answer.error().message;
    return std::nullopt;
  }

  const Flags& flags_;
  const std::string workflow_;
  const std::vector<DemoLine>& lines_;
  Measured& measured_;
  const SystemClock clock_;
  const std::unique_ptr<HttpClient> client_ = MakeHttpClient();
};

Result<void> Run(const Flags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadWorkflow(flags.workflow));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<DemoLine> lines, ReadDemoScript(*workflow, {}));
  Measured measured;
  const SystemClock clock;
  const TimePoint began = clock.Now();
  const TimePoint until = began + std::chrono::seconds(flags.seconds);
  std::vector<std::thread> threads;
  for (int i = 0; i < flags.clients; ++i) {
    threads.emplace_back([&] { Client(flags, workflow->name, lines, measured).Run(until); });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = Milliseconds(clock.Now() - began) / 1000;
  if (measured.turn_ms.empty()) {
    return MakeError(ErrorCode::kUnavailable, "{} answered no turn: {}", flags.url, OneLine(measured.problem));
  }
  const double rate = static_cast<double>(measured.turn_ms.size()) / seconds;
  const double p50 = Percentile(measured.turn_ms, 0.5);
  const double p99 = Percentile(measured.turn_ms, 0.99);
  if (flags.json) {
    fmt::print("{}\n", Json{{"clients", flags.clients},
                            {"seconds", seconds},
                            {"turns", measured.turn_ms.size()},
                            {"turns_per_second", rate},
                            {"turn_ms", {{"p50", p50}, {"p95", Percentile(measured.turn_ms, 0.95)}, {"p99", p99}}},
                            {"conversations", measured.conversations.load()},
                            {"refused", measured.refused.load()},
                            {"cores", std::thread::hardware_concurrency()},
                            {"commit", kCommit}}
                           .dump(2));
    return {};
  }
  fmt::print("{} clients for {:.0f} s: {:.0f} turns a second, p50 {:.2f} ms, p99 {:.2f} ms; {} refused\n",
             flags.clients, seconds, rate, p50, p99, measured.refused.load());
  return {};
}

}  // namespace

void RegisterBenchServe(CLI::App& bench, CliContext& context) {
  CLI::App* command = bench.add_subcommand("serve", "Written turns of a running server: how many, how fast");
  auto flags = std::make_shared<Flags>();
  command->add_option("--url", flags->url, "Where it is")->capture_default_str();
  command->add_option("--workflow", flags->workflow, "Folder of the workflow: its demo.txt is what is said")
      ->required()
      ->envname("SOTTO_WORKFLOW");
  command->add_option("--key", flags->key, "API key")->envname("SOTTO_KEY");
  command->add_option("--clients", flags->clients, "That talk at the same time")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--seconds", flags->seconds, "For how long")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "For machines");
  command->footer("Example:\n  sotto bench serve --workflow workflows/banking --clients 16 --json");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
