// sotto route explain: why a sentence would go where.
#include <condition_variable>
#include <mutex>
#include <optional>

#include "assistant/open_route.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/route.h"
#include "core/turn_record.h"
#include "route/cascade.h"

namespace sotto {
namespace {

struct ExplainFlags {
  BrainFlags brain;
  TodayFlag today;
  std::string config;
  std::string sentence;
  std::vector<std::string> before;
  bool ask = false;
  bool spoken = false;
  bool json = false;
};

// Without a configuration the specialist alone is asked, by the thresholds of its folder.
RouteConfig SpecialistOnly(const Workflow& workflow) {
  RouteConfig config;
  config.file = workflow.folder / kThresholdFile;
  config.steps = {kSpecialistStep};
  return config;
}

// One utterance; waits for it.
Result<Understanding> Understand(Understander& cascade, const Conversation& history,
                                 const std::string& said) {
  cascade.Begin(history, {}, {});
  std::mutex mutex;
  std::condition_variable told;
  std::optional<Result<Understanding>> answer;
  cascade.Commit({{said}}, std::chrono::seconds(60), [&](Result<Understanding> understanding) {
    const std::lock_guard lock(mutex);
    answer.emplace(std::move(understanding));
    told.notify_one();
  });
  std::unique_lock lock(mutex);
  told.wait(lock, [&] { return answer.has_value(); });
  return *std::move(answer);
}

void PrintRoute(const Understanding& understanding) {
  for (const RouteStep& step : understanding.route) {
    fmt::print("  {:<14} {:<9}", step.step, OutcomeName(step.outcome));
    if (step.confidence > 0) fmt::print("  sure {:.4f}", step.confidence);
    if (step.ms > 0) fmt::print("  {:.2f} ms", step.ms);
    if (step.cost > 0) fmt::print("  ${:.6f}", step.cost);
    fmt::print("{}{}\n", step.why.empty() ? "" : "  ", step.why);
  }
  for (const Understanding::Call& call : understanding.calls)
    fmt::print("{}  {:.4f}  ({})\n", ToString(call.call), call.confidence, MadeByName(understanding.made_by));
}

Result<void> RunExplain(const ExplainFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto brain, flags.brain.OpenBrain());
  SOTTO_ASSIGN_OR_RETURN(auto config, ReadRouteConfig(flags.config));
  if (!config) config = SpecialistOnly(brain->workflow());
  SOTTO_ASSIGN_OR_RETURN(auto resources, RouteResources::Open(*std::move(config)));
  SOTTO_ASSIGN_OR_RETURN(const auto opened, OpenRoute(resources, brain));
  auto plan = std::make_shared<RoutePlan>(*opened);
  plan->ask_remote = flags.ask;
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  Conversation history;
  history.channel = flags.spoken ? Channel::kSpoken : Channel::kTyped;
  SOTTO_ASSIGN_OR_RETURN(history.today, flags.today.Day());
  const std::unique_ptr<Understander> cascade = MakeCascade(plan, scheduler);
  for (const std::string& said : flags.before) {
    SOTTO_ASSIGN_OR_RETURN(const Understanding before, Understand(*cascade, history, said));
    Turn turn{said, {}, {}};
    for (const Understanding::Call& call : before.calls) turn.calls.push_back(call.call);
    history.turns.push_back(std::move(turn));
  }
  SOTTO_ASSIGN_OR_RETURN(const Understanding understanding, Understand(*cascade, history, flags.sentence));
  if (flags.json) {
    fmt::print("{}\n", ToJson(understanding).dump());
  } else {
    PrintRoute(understanding);
  }
  return {};
}

}  // namespace

void RegisterRouteExplain(CLI::App& route, CliContext& context) {
  CLI::App* command = route.add_subcommand("explain", "Say why a sentence would go where");
  auto flags = std::make_shared<ExplainFlags>();
  flags->brain.AddTo(*command);
  flags->today.AddTo(*command);
  command->add_option("sentence", flags->sentence, "What is said")->required();
  command->add_option("--before", flags->before, "What was said before it in the same conversation; several");
  command->add_option("--config", flags->config, "File with the section route:; default: sotto.yaml")
      ->envname("SOTTO_CONFIG");
  command->add_flag("--ask", flags->ask, "Really ask remote models, where it comes to that");
  command->add_flag("--spoken", flags->spoken, "The words come from a recogniser");
  command->add_flag("--json", flags->json, "The understanding with its route as JSON");
  command->footer(
      "Example:\n  sotto route explain --workflow workflows/banking \"could you shift a couple hundred "
      "over\"\n"
      "  sotto route explain --workflow workflows/banking --before \"move money\" \"from savings\" --ask");
  command->callback([flags, &context] {
    if (auto result = RunExplain(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
