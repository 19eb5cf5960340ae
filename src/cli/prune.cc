// sotto prune: a narrower model file, and what that costs before anything is learnt again.
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/commit.h"
#include "cli/model_cost.h"
#include "cli/progress.h"
#include "slm/model.h"
#include "slm/prune_model.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct PruneFlags {
  CostFlags cost;
  PruneOptions options;
};

Json WidthJson(const ModelWidth& width) {
  return {{"d_model", width.d_model},
          {"d_ff", width.d_ff},
          {"heads", width.n_heads},
          {"kv_heads", width.n_kv_heads},
          {"parameters", width.parameters}};
}

void PrintPruned(const Json& report) {
  const Json& before = report["width"]["before"];
  const Json& after = report["width"]["after"];
  fmt::print("{}: {:.2f} MB -> {}: {:.2f} MB\n", report["in"].get<std::string>(),
             report["in_bytes"].get<double>() / 1e6, report["out"].get<std::string>(),
             report["out_bytes"].get<double>() / 1e6);
  for (const char* what : {"parameters", "d_model", "d_ff", "heads", "kv_heads"})
    fmt::print("  {:<12} {:>10} -> {}\n", what, before[what].get<size_t>(), after[what].get<size_t>());
  fmt::print("what is left carries {:.1f} % of what neurons and {:.1f} % of what heads added\n",
             100 * report["neurons_kept"].get<double>(), 100 * report["heads_kept"].get<double>());
  if (report.contains("divergence")) PrintDivergence("held-out texts", report["divergence"]);
  if (report.contains("evaluation")) PrintCompared("data", report["evaluation"]);
  if (report.contains("calibration")) PrintRefitted(report["calibration"]);
}

Result<void> RunPrune(const PruneFlags& flags) {
  const CostFlags& cost = flags.cost;
  if (cost.in == cost.out)
    return MakeError(ErrorCode::kInvalidArgument, "what is pruned is written to another file than {}",
                     cost.in);
  if (cost.calibrate.empty())
    return MakeError(ErrorCode::kInvalidArgument,
                     "prune needs --calibrate: conversations (*.jsonl, with --workflow) or `sampled`");
  std::shared_ptr<const Workflow> workflow;
  if (!cost.workflow.empty()) {
    SOTTO_ASSIGN_OR_RETURN(workflow, LoadWorkflow(cost.workflow));
  }
  if ((!cost.data.empty() || !cost.fit.empty()) && workflow == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "--data and --fit need --workflow");
  SOTTO_ASSIGN_OR_RETURN(const auto in, GgufFile::Open(cost.in));
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Model> model,
                         Model::FromGguf(in, {.n_threads = cost.threads}));
  SOTTO_ASSIGN_OR_RETURN(const TokenSequences texts, CalibrationTexts(cost, model, workflow.get()));
  PruneOptions options = flags.options;
  options.n_threads = cost.threads;
  ProgressBar bar("pruning");
  options.progress = [&bar](size_t done, size_t total) { bar.Update(done, total); };
  SOTTO_ASSIGN_OR_RETURN(const Pruned pruned, PruneModel(in, texts, cost.out, options));
  bar.Finish();
  Json report{{"in", cost.in},
              {"out", cost.out},
              {"keep", options.keep},
              {"keep_channels", options.keep_channels},
              {"calibration_texts", texts.size()},
              {"width", {{"before", WidthJson(pruned.before)}, {"after", WidthJson(pruned.after)}}},
              {"neurons_kept", pruned.neurons_kept},
              {"heads_kept", pruned.heads_kept}};
  if (cost.measured()) SOTTO_RETURN_IF_ERROR(MeasureAgainst(cost, model, cost.in, workflow, report));
  if (!cost.fit.empty()) {
    SOTTO_ASSIGN_OR_RETURN(report["calibration"], Refit(cost, workflow));
  }
  report["in_bytes"] = in->file_bytes();
  report["out_bytes"] = std::filesystem::file_size(cost.out);
  report["commit"] = kCommit;
  return TellCost(cost, report, PrintPruned);
}

}  // namespace

void RegisterPrune(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("prune", "Write a narrower model file: what matters least is taken out");
  auto flags = std::make_shared<PruneFlags>();
  command->add_option("in", flags->cost.in, "Model file to read (GGUF)")->required();
  command->add_option("out", flags->cost.out, "Model file to write")->required();
  command
      ->add_option("--keep", flags->options.keep, "Share of neurons and of attention heads, in every layer")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  command
      ->add_option("--keep-channels", flags->options.keep_channels,
                   "Share of the channels between the layers, and of the embedding")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  command->add_flag("!--no-fit", flags->options.fit, "Do not fit what is left to what was there");
  command->add_option("--rows", flags->options.most_rows, "Inputs that a matrix is looked at with, at most")
      ->check(CLI::Range(64, 100000000))
      ->capture_default_str();
  flags->cost.AddTo(*command);
  command->footer(
      "Heads go in whole groups of a key/value head; widths are multiples of 32. `sotto distill` teaches "
      "what is left.\n"
      "Example:\n  sotto prune workflows/banking/model.gguf half.gguf --keep .5 --workflow workflows/banking "
      "--calibrate workflows/banking/voices.jsonl --data workflows/banking/valid.jsonl");
  command->callback([flags, &context] {
    if (auto result = RunPrune(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
