// sotto route bench: what a route would cost and bring with a big model that is simulated.
#include <charconv>
#include <cmath>
#include <filesystem>

#include "assistant/brain_understander.h"
#include "assistant/open_route.h"
#include "base/mapped_file.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/route.h"
#include "cli/route_learn.h"
#include "route/replay.h"

namespace sotto {
namespace {

struct RouteBenchFlags {
  BrainFlags brain;
  std::vector<std::string> files;
  LearnFlags learn;
  std::string latency = "800,2000";
  SimulatedRemote remote;
  std::string svg;
  std::string turns_out;
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

void PrintReplay(const Replay& replay, size_t turns, bool judged) {
  fmt::print(
      "{} turns; share escalated, answered right, error of what was answered locally (limit with 95 %), USD "
      "for "
      "1000 turns, time a turn\n",
      turns);
  PrintReplay("always local", replay.always_local);
  PrintReplay("always remote", replay.always_remote);
  if (replay.thresholds) PrintReplay("route.json", *replay.thresholds);
  for (size_t i = 1; i + 1 < replay.routed.size(); i += i < 6 ? 1 : 4) {
    if (judged) PrintReplay("surety", replay.routed[i]);
    PrintReplay("confidence", replay.confidence[i]);
    PrintReplay("max-softmax", replay.softmax[i]);
    PrintReplay("random", replay.random[i]);
  }
}

Json Calls(const std::vector<ToolCall>& calls) {
  Json json = Json::array();
  for (const ToolCall& call : calls) json.push_back(ToJson(call));
  return json;
}

// What was known of each turn when it was decided who answers it, one a line.
Result<void> WriteTurns(const std::string& path, const Evaluation& evaluation, const KnownSentences& known) {
  std::string text;
  for (const ScoredTurn& turn : evaluation.turns) {
    const Surety::Features features =
        Surety::FeaturesOf(FactsOf(turn.features), turn.understanding, turn.expectation, known);
    Json named = Json::object();
    for (size_t i = 0; i < Surety::kCount; ++i) named[std::string(Surety::Names()[i])] = features[i];
    Json arguments = Json::object();
    for (const Understanding::Call& call : turn.understanding.calls)
      for (const auto& [name, confidence] : call.arguments) arguments[name] = confidence;
    text += Json{{"line", turn.line},
                 {"turn", turn.turn},
                 {"user", turn.user},
                 {"expects", ToJson(turn.expectation)},
                 {"gold", Calls(turn.gold)},
                 {"got", Calls(turn.got)},
                 {"right", turn.exact},
                 {"made_by", MadeByName(turn.made_by)},
                 {"confidence", turn.confidence},
                 {"features", std::move(named)},
                 {"arguments", std::move(arguments)}}
                .dump() +
            "\n";
  }
  return WriteFileAtomically(path, text);
}

Result<void> RunRouteBench(RouteBenchFlags& flags) {
  SOTTO_RETURN_IF_ERROR(ReadLatency(flags.latency, &flags.remote));
  SOTTO_ASSIGN_OR_RETURN(const auto brain, flags.brain.OpenBrain());
  const Channel channel = flags.typed ? Channel::kTyped : Channel::kSpoken;
  auto belief = ReadBelief(*brain);
  if (!belief && belief.error().code != ErrorCode::kNotFound) return tl::unexpected(belief.error());
  std::shared_ptr<const SuretyJudge> judge = belief ? belief->judge : nullptr;
  if (flags.learn.any()) {
    SOTTO_ASSIGN_OR_RETURN(SuretyJudge learnt, LearnSurety(brain, flags.learn, channel));
    judge = std::make_shared<const SuretyJudge>(std::move(learnt));
    if (belief) belief = MakeError(ErrorCode::kNotFound, "its thresholds are on another surety");
  }
  SOTTO_ASSIGN_OR_RETURN(const Evaluation evaluation, AnswerTurns(brain, flags.files, channel));
  const std::vector<double> sure = judge ? SuretyOf(evaluation, *judge) : std::vector<double>();
  if (!flags.turns_out.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const auto known, ReadKnownSentences(brain->workflow()));
    SOTTO_RETURN_IF_ERROR(WriteTurns(flags.turns_out, evaluation, *known));
  }
  std::vector<ReplayTurn> turns;
  for (const ScoredTurn& scored : evaluation.turns) {
    ReplayTurn turn;
    for (const ToolCall& call : scored.got) turn.tools.push_back(call.name);
    turn.confidence = scored.confidence;
    turn.surety = sure.empty() ? scored.confidence : sure[turns.size()];
    turn.softmax = scored.made_by == MadeBy::kRule ? 1 : std::exp(scored.features.total_log_prob);
    turn.right = scored.exact;
    turn.ms = scored.ms;
    turns.push_back(std::move(turn));
  }
  SOTTO_ASSIGN_OR_RETURN(const Replay replay,
                         ReplayTurns(turns, flags.remote, belief ? &belief->accept : nullptr));
  if (!flags.svg.empty()) {
    const std::string title =
        fmt::format("{}, {} turns; big model {:.0f} % right, {:.0f} ms on average", brain->workflow().name,
                    turns.size(), 100 * flags.remote.accuracy, flags.remote.mean_ms);
    SOTTO_RETURN_IF_ERROR(WriteFileAtomically(flags.svg, ReplayPlot(replay, title, judge != nullptr)));
  }
  if (flags.json) {
    Json json = ToJson(replay);
    json["turns"] = turns.size();
    fmt::print("{}\n", json.dump());
  } else {
    PrintReplay(replay, turns.size(), judge != nullptr);
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
  flags->learn.AddTo(*command);
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
  command->add_option("--turns-out", flags->turns_out,
                      "Write here what was known of each turn, and whether it was right, *.jsonl");
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
