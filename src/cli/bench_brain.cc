// sotto bench brain: time from the end of a turn to its tool call, over a replayed three-turn banking
// conversation.
#include <algorithm>
#include <cmath>
#include <thread>

#include "brain/brain.h"
#include "cli/bench.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "slm/model.h"

namespace sotto {
namespace {

struct BenchBrainFlags {
  BrainFlags brain;
  std::string random_weights;
  std::string tokenizer;
  int replays = 200;
  int sessions = 4;
  bool json = false;
};

struct RecordedTurn {
  const char* text;
  Expectation expectation;
  std::vector<ToolCall> before_last_word;  // what the text means without its last word
  std::vector<ToolCall> calls;
};

// Sizes as in a real call: a request, its details, a related request.
std::vector<RecordedTurn> Recording() {
  using Kind = Expectation::Kind;
  const ToolCall transfer{"transfer_money",
                          Json{{"amount", 250}, {"from_account", "checking"}, {"to_account", "savings"}}};
  const ToolCall cancel{"cancel_card", Json{{"card_type", "debit"}, {"card_last_four", "4532"}}};
  const ToolCall cancel_stolen{
      "cancel_card", Json{{"card_type", "debit"}, {"card_last_four", "4532"}, {"reason", "stolen"}}};
  return {{"hi I'd like to move some money between my accounts",
           {},
           {{"transfer_money", Json::object()}},
           {{"transfer_money", Json::object()}}},
          {"uh yeah so two hundred and fifty dollars from my checking account into savings please",
           {Kind::kSlots, "transfer_money", {"amount", "from_account", "to_account"}},
           {transfer},
           {transfer}},
          {"great and then I need to cancel my debit card ending in four five three two it was stolen",
           {},
           {cancel},
           {cancel_stolen}}};
}

struct Samples {
  std::vector<double> ms;
  double prefilled = 0, forced = 0, decided = 0;

  void Add(const Understanding::Cost& cost) {
    ms.push_back(cost.commit_to_call_ms);
    prefilled += cost.prefilled;
    forced += cost.forced;
    decided += cost.decided;
  }
  double Percentile(double share) const {
    std::vector<double> sorted = ms;
    std::sort(sorted.begin(), sorted.end());
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
  }
  Json Percentiles() const {
    return {{"p50", Percentile(0.5)}, {"p95", Percentile(0.95)}, {"p99", Percentile(0.99)}};
  }
  double Mean(double sum) const { return sum / static_cast<double>(ms.size()); }
};

constexpr int kWordsAPartial = 5;  // a recognizer gives more; only the last one matters for the figures
constexpr int kColdShare = 3;      // one round of so many is replayed without listening along too

// What is heard while the user still speaks: a few words more at a time, and all but the last one in the end.
Result<void> HearAlong(BrainSession& session, const std::string& text) {
  int words = 0;
  for (size_t space = text.find(' '); space != std::string::npos; space = text.find(' ', space + 1)) {
    if (++words % kWordsAPartial != 0 && space != text.rfind(' ')) continue;
    SOTTO_RETURN_IF_ERROR(session.Hear(text.substr(0, space)));
  }
  return {};
}

Result<void> ReplayOnce(BrainSession& session, bool listening, bool scripted, Samples& samples) {
  static const std::vector<RecordedTurn> recording = Recording();
  Conversation history;
  for (const RecordedTurn& recorded : recording) {
    SOTTO_RETURN_IF_ERROR(session.Begin(history, recorded.expectation, {}));
    if (scripted) session.Script(&recorded.before_last_word);
    if (listening) SOTTO_RETURN_IF_ERROR(HearAlong(session, recorded.text));
    if (scripted) session.Script(&recorded.calls);
    auto understanding = session.Commit(recorded.text);
    if (!understanding) return tl::unexpected<Error>(std::move(understanding).error());
    samples.Add(understanding->cost);
    history.turns.push_back({recorded.text, recorded.expectation, recorded.calls});
  }
  return {};
}

// `n_sessions` conversations at once, each on its own thread; turns a second over all.
Result<double> Throughput(const std::shared_ptr<const Brain>& brain, int n_sessions, int replays,
                          bool scripted) {
  std::vector<std::thread> threads;
  std::vector<Result<void>> results(static_cast<size_t>(n_sessions));
  std::vector<Samples> samples(static_cast<size_t>(n_sessions));
  const SystemClock clock;
  const TimePoint start = clock.Now();
  for (size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      BrainSession session(brain);
      for (int n = 0; n < replays && results[i]; ++n)
        results[i] = ReplayOnce(session, true, scripted, samples[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(clock.Now() - start).count();
  size_t turns = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    SOTTO_RETURN_IF_ERROR(std::move(results[i]));
    turns += samples[i].ms.size();
  }
  return static_cast<double>(turns) / seconds;
}

Result<std::shared_ptr<const Brain>> MakeBrain(const BenchBrainFlags& flags) {
  if (flags.random_weights.empty()) return flags.brain.OpenBrain();
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<const Workflow> workflow, flags.brain.LoadWorkflowFile());
  LoadOptions load;
  load.n_threads = flags.brain.threads;
  load.n_ctx = 4096;
  // A tokenizer that was trained on English gives token counts like a published model's; rows beyond it stay
  // unused.
  const std::filesystem::path tokenizer =
      flags.tokenizer.empty() ? workflow->folder / "model.gguf" : std::filesystem::path(flags.tokenizer);
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<const Model> model,
                         Model::Random(flags.random_weights, load, tokenizer));
  BrainOptions options;
  options.n_threads = flags.brain.threads;
  options.chat_template = flags.random_weights.starts_with("qwen3") ? "qwen3" : "";
  return Brain::Create(std::move(workflow), std::move(model), options);
}

Result<void> Run(const BenchBrainFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Brain> brain, MakeBrain(flags));
  const bool scripted = !flags.random_weights.empty();
  BrainSession session(brain);
  Samples warm_up;
  SOTTO_RETURN_IF_ERROR(ReplayOnce(session, true, scripted, warm_up));
  Samples listening;
  Samples cold;
  ProgressBar progress("replaying");
  const int rounds = (flags.replays + 2) / 3;
  for (int n = 0; n < rounds; ++n) {
    SOTTO_RETURN_IF_ERROR(ReplayOnce(session, true, scripted, listening));
    if (n % kColdShare == 0) SOTTO_RETURN_IF_ERROR(ReplayOnce(session, false, scripted, cold));
    progress.Update(static_cast<size_t>(n + 1), static_cast<size_t>(rounds));
  }
  progress.Finish();
  SOTTO_ASSIGN_OR_RETURN(
      const double turns_per_s,
      Throughput(brain, flags.sessions, std::clamp(rounds / 8, 1, scripted ? 2 : rounds), scripted));
  Json json{{"model", flags.random_weights.empty() ? brain->model().path() : flags.random_weights},
            {"threads", flags.brain.threads},
            {"turns", listening.ms.size()},
            {"turns_cold", cold.ms.size()},
            {"commit_to_call_ms", listening.Percentiles()},
            {"commit_to_call_cold_ms", cold.Percentiles()},
            {"prefilled", listening.Mean(listening.prefilled)},
            {"prefilled_cold", cold.Mean(cold.prefilled)},
            {"forced", listening.Mean(listening.forced)},
            {"decided", listening.Mean(listening.decided)},
            {"sessions", flags.sessions},
            {"turns_per_s", turns_per_s}};
  fmt::print("{}\n", json.dump(flags.json ? -1 : 1));
  return {};
}

}  // namespace

void RegisterBenchBrain(CLI::App& bench, CliContext& context) {
  CLI::App* command = bench.add_subcommand("brain", "Time from the end of a turn to its tool call");
  auto flags = std::make_shared<BenchBrainFlags>();
  flags->brain.AddTo(*command);
  command->add_option("--random-weights", flags->random_weights,
                      "A shape such as qwen3-0.6b:Q8_0, made in memory");
  command->add_option("--tokenizer", flags->tokenizer,
                      "GGUF whose tokenizer the random model uses; default: the workflow's model");
  command->add_option("--replays", flags->replays, "Turns to replay")
      ->check(CLI::Range(3, 100000))
      ->capture_default_str();
  command->add_option("--sessions", flags->sessions, "Conversations at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "On one line");
  command->footer(
      "Example:\n  sotto bench brain --workflow workflows/banking --json\n"
      "  sotto bench brain --workflow workflows/banking --random-weights qwen3-0.6b:Q8_0 --json");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
