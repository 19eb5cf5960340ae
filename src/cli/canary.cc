// sotto canary: a candidate for a share of callers.
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/flywheel_command.h"
#include "cli/progress.h"
#include "flywheel/canary_log.h"
#include "flywheel/canary_monitor.h"
#include "flywheel/canary_simulation.h"

namespace sotto {
namespace {

struct CanaryFlags {
  std::string registry;
  std::string workflow;
  std::string candidate;
  std::string name;
  double share = 0.05;
  bool shadow = false;
  bool by_person = false;
  bool json = false;
  CanaryOptions options;
  ActFlags act;
};

void AddTests(CLI::App& command, CanaryOptions& options) {
  const auto share = [&](const char* name, double& to, const char* what) {
    command.add_option(name, to, what)->check(CLI::Range(0.0001, 0.49))->capture_default_str();
  };
  share("--effect", options.effect, "The least difference of troubled turns that is harm");
  share("--gain-effect", options.gain_effect, "The same of troubled calls that is a gain");
  share("--guard-effect", options.guard_effect, "The same of what the guards count");
  share("--alpha-harm", options.alpha_harm, "Chance to roll a candidate back that is as good");
  share("--alpha-guard", options.alpha_guard, "The same, because of a guard");
  share("--alpha-gain", options.alpha_gain, "Chance to promote one that is no better");
  command.add_option("--least-calls", options.least_calls, "Of the candidate, before anything but holding")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command.add_option("--slow-ms", options.slow_ms, "An understanding that takes longer makes a slow call")
      ->check(CLI::Range(0.01, 1e9))
      ->capture_default_str();
  command.add_option("--dear-usd", options.dear_usd, "A call that costs more is a dear one")
      ->check(CLI::Range(1e-9, 1e9))
      ->capture_default_str();
}

Result<void> RunStart(const CanaryFlags& flags) {
  SOTTO_RETURN_IF_ERROR(flags.act.CheckPerson());
  SOTTO_ASSIGN_OR_RETURN(const auto registry, OpenRegistry(flags.registry));
  SOTTO_ASSIGN_OR_RETURN(const auto version, registry->Find(flags.candidate));
  SOTTO_ASSIGN_OR_RETURN(const int64_t last, registry->LastSeq());
  Experiment experiment;
  experiment.name = flags.name.empty() ? fmt::format("{}-{}", version.second.workflow, last + 1) : flags.name;
  experiment.candidate = version.first;
  experiment.share = flags.share;
  experiment.shadow = flags.shadow;
  experiment.options = ToJson(flags.options);
  experiment.options["promotes"] = !flags.by_person;
  SOTTO_ASSIGN_OR_RETURN(const Act act, registry->StartCanary(version.second.workflow, experiment,
                                                              flags.act.by, flags.act.reason));
  fmt::print("act {}: {} '{}': {} for {:.1f} % of the callers of {}\n", act.seq,
             flags.shadow ? "shadow" : "canary", experiment.name, version.first, 100 * experiment.share,
             version.second.workflow);
  return {};
}

Result<Experiment> RunningOf(const VersionRegistry& registry, const std::string& workflow) {
  SOTTO_ASSIGN_OR_RETURN(const LiveState live, registry.Live(workflow));
  if (!live.canary) return MakeError(ErrorCode::kNotFound, "no canary of workflow {} runs", workflow);
  return *live.canary;
}

Result<void> RunStatus(const CanaryFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto registry, OpenRegistry(flags.registry));
  SOTTO_ASSIGN_OR_RETURN(const Experiment experiment, RunningOf(*registry, flags.workflow));
  SOTTO_ASSIGN_OR_RETURN(const auto log, CanaryLog::Open(flags.registry));
  SOTTO_ASSIGN_OR_RETURN(const Canary canary, ReadCanary(*log, experiment));
  Json figures = canary.Figures();
  figures["experiment"] = experiment.name;
  figures["champion_version"] = experiment.champion;
  figures["candidate_version"] = experiment.candidate;
  figures["share"] = experiment.share;
  figures["shadow"] = experiment.shadow;
  if (flags.json) {
    fmt::print("{}\n", figures.dump());
    return {};
  }
  fmt::print("{} '{}' since act {}: {} for {:.1f} % of callers, {} for the others\n",
             experiment.shadow ? "shadow" : "canary", experiment.name, experiment.seq, experiment.candidate,
             100 * experiment.share, experiment.champion);
  for (const char* arm : {"champion", "candidate"}) {
    const Json& one = figures[arm];
    fmt::print(
        "  {:<10} {:>6} calls {:>7} turns, {} troubled; {} calls troubled, {} handed over, {} asked again, "
        "{} slow, {} dear\n",
        arm, one["calls"].get<size_t>(), one["turns"].get<size_t>(), one["troubled_turns"].get<size_t>(),
        one["troubled"].get<size_t>(), one["handed_over"].get<size_t>(), one["asked_again"].get<size_t>(),
        one["slow"].get<size_t>(), one["dear"].get<size_t>());
  }
  for (const auto& [name, test] : figures["tests"].items())
    fmt::print("  {:<18} evidence {:.3g} of {:.3g}\n", name, test["evidence"].get<double>(),
               test["needed"].get<double>());
  fmt::print("{}: {}\n", figures["decision"].get<std::string>(), figures["reason"].get<std::string>());
  return {};
}

// By a person; the figures as they stand go with the act.
Result<void> End(const CanaryFlags& flags, const char* verdict, bool promote) {
  SOTTO_RETURN_IF_ERROR(flags.act.CheckPerson());
  SOTTO_ASSIGN_OR_RETURN(const auto registry, OpenRegistry(flags.registry));
  SOTTO_ASSIGN_OR_RETURN(const Experiment experiment, RunningOf(*registry, flags.workflow));
  SOTTO_ASSIGN_OR_RETURN(const auto log, CanaryLog::Open(flags.registry));
  SOTTO_ASSIGN_OR_RETURN(const Canary canary, ReadCanary(*log, experiment));
  SOTTO_ASSIGN_OR_RETURN(const Act ended,
                         registry->EndCanary(flags.workflow, experiment.name, verdict, flags.act.by,
                                             flags.act.reason, canary.Figures()));
  fmt::print("act {}: canary '{}' ended: {}\n", ended.seq, experiment.name, verdict);
  if (!promote) return {};
  SOTTO_ASSIGN_OR_RETURN(const Act promoted, registry->Promote(flags.workflow, experiment.candidate,
                                                               flags.act.by, flags.act.reason, ended.seq));
  fmt::print("act {}: {} is live\n", promoted.seq, promoted.version);
  return {};
}
Result<void> RunPromoteCanary(const CanaryFlags& flags) { return End(flags, "promoted_by_person", true); }
Result<void> RunRollBackCanary(const CanaryFlags& flags) { return End(flags, "stopped", false); }

struct SimulateFlags {
  CanarySimulation simulation;
  double worse = 0.05;
  double better = 0.03;
  bool json = false;
};

Result<void> RunSimulate(const SimulateFlags& flags) {
  const auto run = [&](const char* name, double difference, size_t most_turns) {
    CanarySimulation one = flags.simulation;
    one.name = name;
    one.candidate = std::min(0.999, one.champion + difference);
    one.most_turns = most_turns;
    ProgressBar bar(name);
    one.on_progress = [&bar](size_t done, size_t total) { bar.Update(done, total); };
    const CanarySimulated done = Simulate(one);
    bar.Finish();
    if (flags.json) {
      Json json = ToJson(done);
      json["scenario"] = name;
      json["champion"] = one.champion;
      json["candidate"] = one.candidate;
      json["most_turns"] = most_turns;
      fmt::print("{}\n", json.dump());
      return;
    }
    const auto share = [&](size_t n) {
      return 100 * static_cast<double>(n) / static_cast<double>(done.runs);
    };
    fmt::print(
        "{:<10} {:.1f} % against {:.1f} %, up to {} turns with the candidate: promoted {:.1f} %, rolled back "
        "{:.1f} % (median after {:.0f} turns), held {:.1f} %\n",
        name, 100 * one.candidate, 100 * one.champion, most_turns, share(done.promoted),
        share(done.rolled_back), done.median_turns_to_rollback, share(done.held));
  };
  const size_t turns = flags.simulation.most_turns;
  run("identical", 0, 4 * turns);
  run("worse", -flags.worse, turns);
  run("better", flags.better, 4 * turns);
  // As many turns as the fewest calls that decide anything need at most once.
  run("too few", -flags.worse, flags.simulation.options.least_calls - 1);
  return {};
}

template <typename Flags>
void AddCanaryCommand(CLI::App& canary, CliContext& context, const char* name, const char* what,
                      Result<void> (*run)(const Flags&), const std::function<void(CLI::App&, Flags&)>& add,
                      const char* example) {
  CLI::App* command = canary.add_subcommand(name, what);
  auto flags = std::make_shared<Flags>();
  add(*command, *flags);
  command->footer(std::string("Example:\n  ") + example);
  command->callback([flags, run, &context] {
    if (auto result = run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace

void RegisterCanary(CLI::App& app, CliContext& context) {
  CLI::App* canary =
      app.add_subcommand("canary", "A candidate for a share of callers, watched at every call");
  canary->require_subcommand(1);
  const auto workflow = [](CLI::App& command, CanaryFlags& flags) {
    AddRegistryOption(command, flags.registry);
    command.add_option("workflow", flags.workflow, "Name of the workflow")->required();
  };
  AddCanaryCommand<CanaryFlags>(
      *canary, context, "start", "Give a candidate to a share of callers", RunStart,
      [](CLI::App& command, CanaryFlags& flags) {
        AddRegistryOption(command, flags.registry);
        command.add_option("candidate", flags.candidate, "Version")->required();
        command.add_option("--name", flags.name, "Of the experiment; callers are shared out by it");
        command.add_option("--share", flags.share, "Of callers")
            ->check(CLI::Range(0.001, 1.0))
            ->capture_default_str();
        command.add_flag("--shadow", flags.shadow,
                         "The candidate only understands along: both understandings are in the turn records");
        command.add_flag("--by-person", flags.by_person, "Never promote, whatever is proven: a person does");
        AddTests(command, flags.options);
        flags.act.AddTo(command, true);
      },
      "sotto canary start 90bc --share 0.05 --reason 'trained on week 48'");
  AddCanaryCommand<CanaryFlags>(
      *canary, context, "status", "What is known of the canary that runs", RunStatus,
      [&](CLI::App& command, CanaryFlags& flags) {
        workflow(command, flags);
        command.add_flag("--json", flags.json, "All figures as one JSON object");
      },
      "sotto canary status banking");
  AddCanaryCommand<CanaryFlags>(
      *canary, context, "promote", "End it and make its candidate live, on a person's word", RunPromoteCanary,
      [&](CLI::App& command, CanaryFlags& flags) {
        workflow(command, flags);
        flags.act.AddTo(command, true);
      },
      "sotto canary promote banking --by anna --reason 'as good, half the size'");
  AddCanaryCommand<CanaryFlags>(
      *canary, context, "rollback", "End it; the champion gets all callers", RunRollBackCanary,
      [&](CLI::App& command, CanaryFlags& flags) {
        workflow(command, flags);
        flags.act.AddTo(command, true);
      },
      "sotto canary rollback banking --by anna --reason 'holiday week'");
  AddCanaryCommand<SimulateFlags>(
      *canary, context, "simulate", "What the tests do with callers that are made up", RunSimulate,
      [](CLI::App& command, SimulateFlags& flags) {
        CanarySimulation& one = flags.simulation;
        command.add_option("--runs", one.runs, "Canaries of each kind")
            ->check(CLI::Range(1, 1000000))
            ->capture_default_str();
        command.add_option("--seed", one.seed, "Of callers and calls")->capture_default_str();
        command.add_option("--share", one.share, "Of callers")
            ->check(CLI::Range(0.001, 1.0))
            ->capture_default_str();
        command.add_option("--champion", one.champion, "Share of its turns that are right")
            ->check(CLI::Range(0.5, 0.999))
            ->capture_default_str();
        command.add_option("--worse", flags.worse, "So much worse is the worse candidate")
            ->check(CLI::Range(0.001, 0.4))
            ->capture_default_str();
        command.add_option("--better", flags.better, "So much better the better one")
            ->check(CLI::Range(0.001, 0.4))
            ->capture_default_str();
        command
            .add_option("--turns", one.most_turns,
                        "With the candidate, at which a run ends (four times as many "
                        "for one that is not worse)")
            ->check(CLI::Range(10, 1000000))
            ->capture_default_str();
        command.add_option("--turns-a-call", one.turns_a_call, "Mean")
            ->check(CLI::Range(1.0, 20.0))
            ->capture_default_str();
        command.add_option("--spread", one.spread, "Of callers' ease, in the log-odds of a turn")
            ->check(CLI::Range(0.0, 3.0))
            ->capture_default_str();
        command.add_option("--callers", one.callers, "So many there are")
            ->check(CLI::Range(10, 10000000))
            ->capture_default_str();
        AddTests(command, one.options);
        command.add_flag("--json", flags.json, "One JSON object a kind");
      },
      "sotto canary simulate --runs 1000");
}

}  // namespace sotto
