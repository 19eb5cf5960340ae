// sotto distill: a small model learns from the distributions of a larger one (Hinton et al. 2015), by sotto-train; then
// what it costs, in the form of quantize.
#include "base/mapped_file.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/commit.h"
#include "cli/model_cost.h"
#include "cli/progress.h"
#include "cli/trainer_process.h"
#include "learn/specialist_training.h"
#include "slm/model.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct DistillFlags {
  CostFlags cost;  // in: the small model
  std::string teacher;
  std::vector<std::string> learn;
  double minutes = 10;
  int64_t steps = 0;
  double teacher_share = 0.9;
  double rate = 0;
  size_t count = 8000;
  std::string type = "Q8_0";
  bool resume = false;
};

std::string Beside(const DistillFlags& flags, const char* what) { return flags.cost.out + what; }

// What is learnt from, as sotto-train takes it: FILE:SHARE. The files that are named; else what the teacher itself
// learnt from (`sotto train`): conversations of the workflow's simulator, its seeds and its voices, in their shares.
Result<std::vector<std::string>> LearningData(const DistillFlags& flags,
                                              const std::shared_ptr<const Workflow>& workflow) {
  if (!flags.learn.empty()) return flags.learn;
  TrainingPaths paths(workflow->folder, Beside(flags, ".data"));
  paths.speech = paths.report / paths.speech.filename();
  paths.checkpoint = Beside(flags, ".checkpoint");
  TrainingOptions options;
  options.seed = flags.cost.seed;
  options.threads = flags.cost.threads;
  options.count = flags.count;
  options.resume = flags.resume;
  ProgressBar bar("generating");
  SOTTO_ASSIGN_OR_RETURN(const TrainingData data,
                         PrepareTraining(
                             workflow, paths, options,
                             [&bar](std::string_view, size_t done, size_t total) { bar.Update(done, total); },
                             [](std::string_view line) { fmt::print(stderr, "{}\n", line); }));
  std::vector<std::string> files;
  for (const TrainingData::File& file : data.files)
    files.push_back(fmt::format("{}:{}", file.path.string(), file.share));
  return files;
}

Result<int> TrainFromTeacher(const DistillFlags& flags, const std::vector<std::string>& data) {
  std::vector<std::string> arguments;
  const auto add = [&](const char* option, const std::string& value) {
    arguments.emplace_back(option);
    arguments.push_back(value);
  };
  for (const std::string& file : data) add("--data", file);
  add("--workflow", flags.cost.workflow);
  for (const std::string& file : flags.cost.data) add("--held-out", file);
  add("--base", flags.cost.in);
  add("--teacher", flags.teacher);
  add("--teacher-share", fmt::format("{}", flags.teacher_share));
  if (flags.steps > 0) add("--steps", std::to_string(flags.steps));
  if (flags.rate > 0) add("--matrix-rate", fmt::format("{}", flags.rate));
  add("--minutes", fmt::format("{}", flags.minutes));
  add("--seed", std::to_string(flags.cost.seed));
  add("--threads", std::to_string(flags.cost.threads));
  add("--checkpoint", Beside(flags, ".checkpoint"));
  add("--metrics", Beside(flags, ".metrics.json"));
  add("--type", flags.type);
  add("--out", flags.cost.out);
  add("--name", std::filesystem::path(flags.cost.out).stem().string());
  if (flags.resume) arguments.emplace_back("--resume");
  return RunTrainer(arguments);
}

void PrintDistilled(const Json& report) {
  fmt::print("{}: {:.2f} MB, taught by {}: {:.2f} MB; {} steps in {:.0f} s\n",
             report["out"].get<std::string>(), report["out_bytes"].get<double>() / 1e6,
             report["teacher"].get<std::string>(), report["in_bytes"].get<double>() / 1e6,
             report["training"]["steps"].get<int64_t>(), report["training"]["seconds"].get<double>());
  if (report.contains("divergence")) PrintDivergence("held-out texts", report["divergence"]);
  if (report.contains("evaluation")) PrintCompared("data (teacher -> taught)", report["evaluation"]);
  if (report.contains("calibration")) PrintRefitted(report["calibration"]);
}

Result<int> RunDistill(const DistillFlags& flags) {
  const CostFlags& cost = flags.cost;
  if (cost.in == cost.out || flags.teacher == cost.out)
    return MakeError(ErrorCode::kInvalidArgument, "what is taught is written to another file than {}",
                     cost.out);
  if (cost.workflow.empty())
    return MakeError(ErrorCode::kInvalidArgument,
                     "distill needs --workflow, whose conversations are learnt from");
  SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadWorkflow(cost.workflow));
  SOTTO_ASSIGN_OR_RETURN(const auto original, GgufFile::Open(flags.teacher));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<std::string> data, LearningData(flags, workflow));
  SOTTO_ASSIGN_OR_RETURN(const int status, TrainFromTeacher(flags, data));
  if (status != 0) return status;
  SOTTO_ASSIGN_OR_RETURN(const std::string metrics, ReadFile(Beside(flags, ".metrics.json")));
  Json report{
      {"in", cost.in}, {"out", cost.out}, {"teacher", flags.teacher}, {"teacher_share", flags.teacher_share}};
  SOTTO_ASSIGN_OR_RETURN(report["training"], ParseJson(metrics, Beside(flags, ".metrics.json")));
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Model> teacher,
                         Model::FromGguf(original, {.n_threads = cost.threads}));
  if (cost.measured()) SOTTO_RETURN_IF_ERROR(MeasureAgainst(cost, teacher, flags.teacher, workflow, report));
  if (!cost.fit.empty()) {
    SOTTO_ASSIGN_OR_RETURN(report["calibration"], Refit(cost, workflow));
  }
  report["in_bytes"] = original->file_bytes();
  report["out_bytes"] = std::filesystem::file_size(cost.out);
  report["commit"] = kCommit;
  std::error_code ignored;
  std::filesystem::remove(Beside(flags, ".checkpoint"), ignored);
  SOTTO_RETURN_IF_ERROR(TellCost(cost, report, PrintDistilled));
  return 0;
}

}  // namespace

void RegisterDistill(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("distill", "Teach a small model what a larger one answers");
  auto flags = std::make_shared<DistillFlags>();
  command->add_option("in", flags->cost.in, "Small model to begin with (`sotto prune` writes one)")
      ->required();
  command->add_option("out", flags->cost.out, "Model file to write")->required();
  command->add_option("--teacher", flags->teacher, "Larger model of the same vocabulary (GGUF)")->required();
  command
      ->add_option("--learn", flags->learn,
                   "Conversations to learn from, FILE or FILE:SHARE; default: those that `sotto train` takes")
      ->delimiter(',');
  command->add_option("--count", flags->count, "Generated conversations, without --learn")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--minutes", flags->minutes, "Training time; becomes a number of steps")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--steps", flags->steps, "Exactly so many steps instead");
  command->add_option("--rate", flags->rate, "Learning rate of matrices; default: sotto-train's");
  command
      ->add_option("--teacher-share", flags->teacher_share,
                   "Share of the loss that is the teacher's distribution; the rest is the labels")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--type", flags->type, "Tensor type: Q8_0, F16 or F32")->capture_default_str();
  command->add_flag("--resume", flags->resume, "Go on after an interruption (Ctrl-C saves a checkpoint)");
  flags->cost.AddTo(*command);
  command->footer(
      "Models are of the kind that `sotto train` makes.\n"
      "Example:\n  sotto distill half.gguf taught.gguf --teacher workflows/banking/model.gguf --workflow "
      "workflows/banking --minutes 10 --data workflows/banking/valid.jsonl");
  command->callback([flags, &context] {
    if (auto result = RunDistill(*flags); !result) {
      context.Fail(result.error());
    } else {
      context.exit_code = *result;
    }
  });
}

}  // namespace sotto
