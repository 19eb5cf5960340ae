// sotto bench network: what a network of specialists adds to a turn.
#include <algorithm>
#include <thread>

#include "assistant/turn_network.h"
#include "base/inbox.h"
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/percentile.h"
#include "specialist/network.h"

namespace sotto {
namespace {

struct BenchNetworkFlags {
  std::vector<std::string> specialists = {"language", "sentiment", "escalation_risk",
                                          "date",     "number",    "formats"};
  int turns = 2000;
  bool with_encoder = false;
  bool json = false;
};

constexpr const char* kTurns[] = {
    "hi I'd like to move some money between my accounts",
    "uh yeah so two hundred and fifty dollars from my checking account into savings please",
    "no I said savings not checking",
    "great and then I need to cancel my debit card ending in four five three two it was stolen",
    "my number is oh two oh seven nine four six oh nine five eight",
    "can you call me back next tuesday at half past three",
    "this is ridiculous I already told you that",
    "yes",
    "my sort code is twelve thirty four fifty six and the account is one two three four five six seven eight",
    "what's my balance"};

Result<void> BenchNetwork(const BenchNetworkFlags& flags) {
  Workflow workflow;
  workflow.folder = ".";
  for (const std::string& name : flags.specialists)
    workflow.network.specialists.push_back({std::filesystem::path(name).filename().string(), name, 0});
  SpecialistContext context;
  if (flags.with_encoder) {
    SOTTO_ASSIGN_OR_RETURN(context.encoder, OpenInstalledEncoder());
  }
  SOTTO_ASSIGN_OR_RETURN(const auto network, Network::Open(workflow, context));
  const SystemClock clock;
  const Date today = LocalDate(clock.WallNow());
  // Alone on one thread: what it computes.
  std::vector<double> computing;
  // As a session does it: posted, told through an inbox.
  std::vector<double> told;
  Scheduler scheduler(clock, {.threads = 2});
  const TurnNetwork on_scheduler(network, scheduler);
  CallSoFar call;
  for (int i = 0; i < flags.turns + 50; ++i) {
    const std::string text = kTurns[static_cast<size_t>(i) % std::size(kTurns)];
    if (i % static_cast<int>(std::size(kTurns)) == 0) call.turns.clear();
    const TimePoint begin = clock.Now();
    const Json by = network->Run({.text = text, .today = today, .call = &call});
    network->Decide(by);
    const double alone = Milliseconds(clock.Now() - begin);
    const auto inbox = std::make_shared<Inbox>();
    bool done = false;
    const TimePoint asked = clock.Now();
    on_scheduler.Ask(text, today, call, std::chrono::seconds(5),
                     [inbox, &done](const Result<Json>&) { inbox->Put([&done] { done = true; }); });
    while (!done) {
      inbox->Wait(std::chrono::seconds(1));
      inbox->Read();
    }
    const double with_scheduler = Milliseconds(clock.Now() - asked);
    call.turns.push_back({.text = text});
    if (i < 50) continue;  // warm-up
    computing.push_back(alone);
    told.push_back(with_scheduler);
  }
  const auto of = [](std::vector<double> ms) {
    std::ranges::sort(ms);
    return Json{{"p50", Percentile(ms, .5)}, {"p95", Percentile(ms, .95)}, {"p99", Percentile(ms, .99)}};
  };
  const Json figures{{"specialists", flags.specialists},
                     {"encoder", context.encoder != nullptr},
                     {"turns", flags.turns},
                     {"computing_ms", of(computing)},
                     {"asked_to_told_ms", of(told)}};
  if (flags.json) {
    fmt::print("{}\n", figures.dump());
    return {};
  }
  fmt::print("{} specialists, {} the sentence encoder, {} turns\n", flags.specialists.size(),
             context.encoder != nullptr ? "with" : "without", flags.turns);
  for (const char* key : {"computing_ms", "asked_to_told_ms"}) {
    fmt::print("{:<18} p50 {:.3f}  p95 {:.3f}  p99 {:.3f}\n", key, figures[key]["p50"].get<double>(),
               figures[key]["p95"].get<double>(), figures[key]["p99"].get<double>());
  }
  return {};
}

}  // namespace

void RegisterBenchNetwork(CLI::App& bench, CliContext& context) {
  CLI::App* command = bench.add_subcommand("network", "What a network of specialists adds to a turn");
  auto flags = std::make_shared<BenchNetworkFlags>();
  command->add_option("--specialists", flags->specialists, "specialists/NAME or paths of folders")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--turns", flags->turns, "Turns")
      ->check(CLI::Range(100, 10000000))
      ->capture_default_str();
  command->add_flag("--with-encoder", flags->with_encoder, "Classifiers read the sentence encoder too");
  command->add_flag("--json", flags->json, "Figures as one JSON object");
  command->footer("Example:\n  sotto bench network --turns 5000");
  command->callback([flags, &context] {
    if (const auto done = BenchNetwork(*flags); !done) context.Fail(done.error());
  });
}

}  // namespace sotto
