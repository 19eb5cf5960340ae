// sotto eval: how often the brain is right on a file of labelled conversations.
#include "base/mapped_file.h"
#include "base/random.h"
#include "brain/evaluation.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/eval_conversations.h"
#include "cli/eval_probes.h"
#include "cli/progress.h"
#include "learn/noise.h"
#include "slm/model.h"

namespace sotto {
namespace {

struct EvalFlags {
  BrainFlags brain;
  std::vector<std::string> data;
  double word_errors = 0;
  uint64_t seed = 1;
  size_t limit = 0;
  size_t show = 20;
  bool typed = false;
  bool own_history = false;
  bool json = false;
  bool fit_calibration = false;
  bool conversations = false;
  bool probes = false;
};

void Print(const Json& json, size_t show) {
  fmt::print("turns {}  exact {:.4f}  name {:.4f}\n", json["turns"].get<size_t>(),
             json["exact"].get<double>(), json["name"].get<double>());
  fmt::print("conversations {}  exact {:.4f}\n", json["conversations"].get<size_t>(),
             json["conversation_exact"].get<double>());
  fmt::print("ece {:.4f}  auroc {}\n", json["ece"].get<double>(),
             json["auroc"].is_null() ? "n/a (fewer than 20 errors)"
                                     : fmt::format("{:.4f}", json["auroc"].get<double>()));
  for (const Json& point : json["coverage"]) {
    fmt::print("escalating the least confident {:.0f} %: exact {:.4f}\n",
               100 * point["escalated"].get<double>(), point["exact"].get<double>());
  }
  fmt::print("ms a turn: p50 {:.2f}  p95 {:.2f}  p99 {:.2f}\n", json["ms"]["p50"].get<double>(),
             json["ms"]["p95"].get<double>(), json["ms"]["p99"].get<double>());
  for (const auto& [tool, count] : json["per_tool"].items()) {
    fmt::print("  {:<20} {:>6} turns  exact {:.4f}  name {:.4f}\n", tool, count["turns"].get<int>(),
               count["exact"].get<double>(), count["name"].get<double>());
  }
  for (size_t i = 0; i < std::min(show, json["errors"].size()); ++i) {
    const Json& error = json["errors"][i];
    fmt::print("line {} turn {} ({:.2f}): {}\n    gold {}\n    got  {}\n", error["line"].get<int>(),
               error["turn"].get<int>(), error["confidence"].get<double>(), error["user"].get<std::string>(),
               error["gold"].dump(), error["got"].dump());
  }
}

Result<void> FitCalibration(const Evaluation& evaluation, const Brain& brain) {
  std::vector<ConfidenceFeatures> features;
  std::vector<bool> right;
  for (const ScoredTurn& turn : evaluation.turns) {
    features.push_back(turn.features);
    right.push_back(turn.exact);
  }
  const Calibration calibration = Calibration::Fit(features, right);
  std::vector<double> before;
  std::vector<double> after;
  for (size_t i = 0; i < features.size(); ++i) {
    before.push_back(evaluation.turns[i].confidence);
    after.push_back(calibration.Apply(features[i]));
  }
  const std::filesystem::path path =
      std::filesystem::path(brain.model().path()).parent_path() / "calibration.json";
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(path, calibration.ToJson(brain.model().id()).dump(1) + "\n"));
  fmt::print(stderr, "{}: fitted on {} turns, ece {:.4f} -> {:.4f}, auroc {:.4f} -> {:.4f}\n", path.string(),
             features.size(), ExpectedCalibrationError(before, right), ExpectedCalibrationError(after, right),
             AreaUnderRoc(before, right), AreaUnderRoc(after, right));
  return {};
}

Result<void> Run(const EvalFlags& flags) {
  if (flags.conversations) {
    return EvalConversations(flags.brain, flags.data, {flags.limit, flags.show, flags.json});
  }
  if (flags.probes) return EvalProbes(flags.brain, flags.data, {flags.limit, flags.show, flags.json});
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Brain> brain, flags.brain.OpenBrain());
  std::vector<LabelledConversation> rows;
  for (const std::string& path : flags.data) {
    SOTTO_ASSIGN_OR_RETURN(std::vector<LabelledConversation> more, ReadConversations(path));
    rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  if (flags.limit > 0 && rows.size() > flags.limit) rows.resize(flags.limit);
  EvaluationOptions options;
  options.own_history = flags.own_history;
  options.channel = flags.typed ? Channel::kTyped : Channel::kSpoken;
  Random random(flags.seed);
  const Confusions confusions = Confusions::BuiltIn();
  if (flags.word_errors > 0) {
    options.corrupt = [&](Conversation& conversation) {
      CorruptConversation(conversation, flags.word_errors, confusions, random);
    };
  }
  ProgressBar progress("evaluating");
  options.on_progress = [&](size_t done, size_t total) { progress.Update(done, total); };
  SOTTO_ASSIGN_OR_RETURN(const Evaluation evaluation, Evaluate(brain, rows, options));
  progress.Finish();
  const Json json = ToJson(evaluation);
  if (flags.json) {
    fmt::print("{}\n", json.dump());
  } else {
    Print(json, flags.show);
  }
  if (flags.fit_calibration) return FitCalibration(evaluation, *brain);
  return {};
}

}  // namespace

void RegisterEval(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("eval", "How often the brain is right on labelled conversations");
  auto flags = std::make_shared<EvalFlags>();
  flags->brain.AddTo(*command);
  command->add_option("--data", flags->data, "Conversations, *.jsonl; may be given several times")
      ->required();
  command->add_option("--word-errors", flags->word_errors, "Corrupt this share of the words first")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--seed", flags->seed, "Of the corruption")->capture_default_str();
  command->add_option("--limit", flags->limit, "Only the first conversations");
  command->add_option("--show", flags->show, "Errors to print")->capture_default_str();
  command->add_flag(
      "--typed", flags->typed,
      "The words were typed: values count only where they were named, and nothing sounds like another");
  command->add_flag("--own-history", flags->own_history,
                    "Build on the brain's own earlier calls, not the gold ones");
  command->add_flag("--fit-calibration", flags->fit_calibration,
                    "Fit the confidence to this data and store it beside the model");
  command->add_flag(
      "--conversations", flags->conversations,
      "The data are callers with goals who talk to the whole assistant; counted is what was done");
  command->add_flag("--probes", flags->probes,
                    "The data are single sentences at known places; counted is what was done or read");
  command->add_flag("--json", flags->json, "All figures and every error as one JSON object");
  command->footer(
      "Example:\n  sotto eval --workflow workflows/banking --data workflows/banking/valid.jsonl\n"
      "  sotto eval --workflow workflows/banking --data heard.jsonl --word-errors 0.10 --seed 1 --json\n"
      "  sotto eval --workflow workflows/banking --conversations --data workflows/banking/callers.jsonl\n"
      "  sotto eval --workflow workflows/banking --probes --data tests/data/probes/amounts.jsonl");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
