// sotto route bench: what a route would cost and bring with a big model that is simulated.
#include <charconv>
#include <cmath>
#include <filesystem>

#include "assistant/open_route.h"
#include "base/mapped_file.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/route.h"
#include "route/replay.h"

namespace sotto {
namespace {

struct RouteBenchFlags {
  BrainFlags brain;
  std::vector<std::string> files;
  std::string latency = "800,2000";
  SimulatedRemote remote;
  std::string svg;
  bool typed = false;
  bool json = false;
};

Result<void> ReadLatency(const std::string& text, SimulatedRemote* remote) {
  const size_t comma = text.find(',');
  const auto number = [&](std::string_view part, double* out) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), *out);
    return error == std::errc() && end == part.data() + part.size();
  };
  if (comma != std::string::npos && number(std::string_view(text).substr(0, comma), &remote->mean_ms) &&
      number(std::string_view(text).substr(comma + 1), &remote->p95_ms))
    return {};
  return MakeError(ErrorCode::kInvalidArgument,
                   "--remote-latency is '{}', but should be MEAN,P95 in ms: 800,2000", text);
}

void PrintReplay(const char* name, const ReplayPoint& point) {
  fmt::print(
      "  {:<16} {:>6.1f} %  right {:>6.2f} %  local error {:>5.2f} % (below {:.2f} %)  ${:<8.3f} p50 "
      "{:>7.1f} ms  "
      "p95 {:>7.1f} ms\n",
      name, 100 * point.escalated, 100 * point.quality, 100 * point.local_error,
      100 * point.local_error_upper, point.cost, point.p50_ms, point.p95_ms);
}

void PrintReplay(const Replay& replay, size_t turns) {
  fmt::print(
      "{} turns; share escalated, answered right, error of what was answered locally (limit with 95 %), USD "
      "for "
      "1000 turns, time a turn\n",
      turns);
  PrintReplay("always local", replay.always_local);
  PrintReplay("always remote", replay.always_remote);
  if (replay.thresholds) PrintReplay("route.json", *replay.thresholds);
  for (size_t i = 1; i + 1 < replay.routed.size(); i += i < 6 ? 1 : 4) {
    PrintReplay("confidence", replay.routed[i]);
    PrintReplay("max-softmax", replay.softmax[i]);
    PrintReplay("random", replay.random[i]);
  }
}

Result<void> RunRouteBench(RouteBenchFlags& flags) {
  SOTTO_RETURN_IF_ERROR(ReadLatency(flags.latency, &flags.remote));
  SOTTO_ASSIGN_OR_RETURN(const auto brain, flags.brain.OpenBrain());
  Thresholds thresholds;
  const auto file = ReadThresholds(*brain);
  if (file) {
    thresholds = file->thresholds;
  } else if (file.error().code != ErrorCode::kNotFound) {
    return tl::unexpected(file.error());
  }
  SOTTO_ASSIGN_OR_RETURN(const Evaluation evaluation,
                         AnswerTurns(brain, flags.files, flags.typed ? Channel::kTyped : Channel::kSpoken));
  std::vector<ReplayTurn> turns;
  for (const ScoredTurn& scored : evaluation.turns) {
    ReplayTurn turn;
    for (const ToolCall& call : scored.got) turn.tools.push_back(call.name);
    turn.confidence = scored.confidence;
    turn.softmax = scored.made_by == MadeBy::kRule ? 1 : std::exp(scored.features.total_log_prob);
    turn.right = scored.exact;
    turn.ms = scored.ms;
    turns.push_back(std::move(turn));
  }
  SOTTO_ASSIGN_OR_RETURN(const Replay replay, ReplayTurns(turns, flags.remote, file ? &thresholds : nullptr));
  if (!flags.svg.empty()) {
    const std::string title =
        fmt::format("{}, {} turns; big model {:.0f} % right, {:.0f} ms on average", brain->workflow().name,
                    turns.size(), 100 * flags.remote.accuracy, flags.remote.mean_ms);
    SOTTO_RETURN_IF_ERROR(WriteFileAtomically(flags.svg, ReplayPlot(replay, title)));
  }
  if (flags.json) {
    Json json = ToJson(replay);
    json["turns"] = turns.size();
    fmt::print("{}\n", json.dump());
  } else {
    PrintReplay(replay, turns.size());
  }
  return {};
}

}  // namespace

void RegisterRouteBench(CLI::App& route, CliContext& context) {
  CLI::App* command = route.add_subcommand(
      "bench", "Replay labelled turns against a simulated big model: quality, cost, times");
  auto flags = std::make_shared<RouteBenchFlags>();
  flags->brain.AddTo(*command);
  command->add_option("--data", flags->files, "Labelled turns, *.jsonl")->required();
  command->add_option("--remote-latency", flags->latency, "Of the big model, MEAN,P95 in ms")
      ->capture_default_str();
  command->add_option("--remote-accuracy", flags->remote.accuracy, "How often it is right")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--remote-price", flags->remote.price, "USD a turn")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  command->add_option("--seed", flags->remote.seed, "Of what it gets right and how long it takes")
      ->capture_default_str();
  command->add_option("--svg", flags->svg, "Write a plot of quality over the share escalated to this file");
  command->add_flag("--typed", flags->typed, "The words were typed");
  command->add_flag("--json", flags->json, "All points as JSON");
  command->footer(
      "Example:\n  sotto route bench --workflow workflows/banking --data workflows/banking/valid.jsonl "
      "--remote-latency 800,2000 --remote-accuracy 0.97 --svg route.svg");
  command->callback([flags, &context] {
    if (auto result = RunRouteBench(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
