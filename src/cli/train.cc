// sotto train: a specialist for a workflow. Prepares the data, has sotto-train learn from it, evaluates with
// the real decoder, calibrates, and replaces the model only by one that is not worse
// (learn/specialist_training.h).
#include <optional>

#include "base/abandoned_files.h"
#include "base/mapped_file.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/commit.h"
#include "cli/progress.h"
#include "cli/trainer_process.h"
#include "core/conversation_jsonl.h"
#include "learn/specialist_training.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct TrainFlags {
  std::string folder;
  TrainingOptions options;
  double minutes = 20;
  int64_t steps = 0;
  std::string base;             // empty: ../base/model.gguf, if it is there
  std::string teacher;          // larger model of the same vocabulary
  bool keep_worse = false;      // replace the model even by a worse one
  std::string go_on_with;       // labelled conversations of the log; the model that is there learns on
  double logged_share = 0.3;    // of them, of the tokens
  bool candidate_only = false;  // trained and judged, not put in its place
};

Result<std::shared_ptr<const Workflow>> LoadAndReport(const std::string& folder) {
  SOTTO_ASSIGN_OR_RETURN(ParsedWorkflow parsed, ReadWorkflow(folder));
  for (const Mistake& mistake : parsed.mistakes) fmt::print(stderr, "{}\n", ToString(mistake, parsed.file));
  if (!parsed.workflow) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: the workflow has mistakes (above)", parsed.file);
  }
  return std::make_shared<const Workflow>(std::move(*parsed.workflow));
}

// A bar for each job in turn.
class TrainingBars {
 public:
  void Update(std::string_view what, size_t done, size_t total) {
    if (what != title_) {
      title_ = what;
      bar_.emplace(title_);
    }
    bar_->Update(done, total);
    if (done == total) bar_->Finish();
  }

 private:
  std::string title_;
  std::optional<ProgressBar> bar_;
};

void PrintFigures(const SetFigures& set) {
  fmt::print("{:<28} exact {:.4f}  name {:.4f}  conversations {:.4f}\n", set.name, set.exact, set.name_right,
             set.conversation_exact);
}

Result<int> Run(const TrainFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadAndReport(flags.folder));
  if (!flags.go_on_with.empty()) {
    // Before an hour is spent on the rest.
    SOTTO_ASSIGN_OR_RETURN(const auto rows, ReadConversations(flags.go_on_with));
    fmt::print(stderr, "{}: {} logged conversations, {:.0f} % of what is learnt\n", flags.go_on_with,
               rows.size(), 100 * flags.logged_share);
  }
  TrainingPaths paths(workflow->folder.empty() ? std::filesystem::path(flags.folder) : workflow->folder);
  // What is live hears with the sentences that lie beside its model.
  if (flags.candidate_only) paths.speech = paths.report / paths.speech.filename();
  RemoveAbandonedFiles(paths.report);  // of a training that was killed
  const TrainingOptions& options = flags.options;
  TrainingBars bars;
  const TrainingProgress progress = [&](std::string_view what, size_t done, size_t total) {
    bars.Update(what, done, total);
  };
  const TrainingNote note = [](std::string_view line) { fmt::print(stderr, "{}\n", line); };
  SOTTO_ASSIGN_OR_RETURN(const TrainingData data, PrepareTraining(workflow, paths, options, progress, note));

  std::vector<std::string> arguments;
  const auto add = [&](const char* option, const std::string& value) {
    arguments.emplace_back(option);
    arguments.push_back(value);
  };
  for (const TrainingData::File& file : data.files)
    add("--data", fmt::format("{}:{}", file.path.string(), file.share));
  for (const std::string& file : options.data) add("--data", file);
  if (!flags.go_on_with.empty()) {
    // Everything else is the replay: what the model knows already, so that it is not forgotten.
    double others = 0;
    for (const TrainingData::File& file : data.files) others += file.share;
    add("--data",
        fmt::format("{}:{}", flags.go_on_with, others * flags.logged_share / (1 - flags.logged_share)));
  }
  add("--workflow", paths.folder.string());
  add("--held-out", paths.held_out.string());
  if (flags.steps > 0) add("--steps", std::to_string(flags.steps));
  add("--minutes", fmt::format("{}", flags.minutes));
  add("--seed", std::to_string(options.seed));
  add("--threads", std::to_string(options.threads));
  add("--checkpoint", paths.checkpoint.string());
  add("--report", paths.report.string());
  add("--metrics", paths.metrics.string());
  add("--out", paths.candidate.string());
  add("--name", "sotto-" + workflow->name);
  CardFacts facts;
  facts.commit = kCommit;
  const std::filesystem::path base = !flags.base.empty() ? std::filesystem::path(flags.base)
                                     : !flags.go_on_with.empty()
                                         ? paths.model
                                         : paths.folder.parent_path() / "base" / "model.gguf";
  if (!flags.base.empty() || !flags.go_on_with.empty() || std::filesystem::exists(base)) {
    add("--base", base.string());
    // From here, where it lies below; what lies elsewhere is nobody's business.
    const std::filesystem::path from_here = base.lexically_normal().lexically_proximate(".");
    const bool below = from_here.is_relative() && !from_here.string().starts_with("..");
    facts.base = (below ? from_here : base.parent_path().filename() / base.filename()).string();
  }
  if (!flags.teacher.empty()) add("--teacher", flags.teacher);
  if (options.resume) arguments.emplace_back("--resume");
  SOTTO_ASSIGN_OR_RETURN(const int status, RunTrainer(arguments));
  if (status != 0) return status;

  SOTTO_ASSIGN_OR_RETURN(const std::string metrics, ReadFile(paths.metrics));
  SOTTO_ASSIGN_OR_RETURN(facts.metrics, ParseJson(metrics, paths.metrics.string()));
  const auto judge = [&](const std::filesystem::path& model) {
    return JudgeSpecialist(workflow, model, options.threads, data.judges, progress, PrintFigures);
  };
  SOTTO_ASSIGN_OR_RETURN(const SpecialistJudgement judged, judge(paths.candidate));
  if (flags.candidate_only) {
    std::error_code ignored;
    std::filesystem::remove(paths.checkpoint, ignored);  // of this training, which is over
    fmt::print("{}: a candidate; nothing was replaced\n", paths.candidate.string());
    return 0;
  }
  if (std::filesystem::exists(paths.model) && !flags.keep_worse) {
    fmt::print("the model that is there:\n");
    const auto previous = judge(paths.model);
    if (previous && previous->mean_exact > judged.mean_exact) {
      fmt::print(stderr,
                 "sotto: the new model is worse ({:.4f} against {:.4f}): {} is kept, the new one is {}\n",
                 judged.mean_exact, previous->mean_exact, paths.model.string(), paths.candidate.string());
      return 1;
    }
  }
  SOTTO_ASSIGN_OR_RETURN(const Installed installed,
                         InstallSpecialist(*workflow, paths, options, data, judged, facts));
  fmt::print("{}: ece {:.4f}, auroc {:.4f}\n", paths.model.string(), installed.ece, installed.auroc);
  return 0;
}

}  // namespace

void RegisterTrain(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("train", "Make the specialist of a workflow");
  auto flags = std::make_shared<TrainFlags>();
  command->add_option("folder", flags->folder, "The workflow's folder")->required();
  command
      ->add_option("--minutes", flags->minutes,
                   "Training time; becomes a number of steps, which the card records")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--steps", flags->steps, "Exactly so many steps instead");
  command->add_option("--seed", flags->options.seed, "Of everything random")->capture_default_str();
  command->add_option("--threads", flags->options.threads, "Workers")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  command->add_option("--count", flags->options.count, "Conversations to generate")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--base", flags->base,
                      "Model to start from; by default base/model.gguf beside the workflow");
  command->add_option("--data", flags->options.data, "Further conversations, FILE or FILE:SHARE");
  command->add_option("--public-data", flags->options.public_data,
                      "Folder of public sets (public_data.yaml says what for)");
  command->add_option("--teacher", flags->teacher, "A larger model of the same vocabulary to learn from");
  command->add_option(
      "--continue", flags->go_on_with,
      "Conversations of the log (labelled.jsonl of `sotto flywheel clean`): the model that is there "
      "learns on, from them and from its own data");
  command
      ->add_option("--logged-share", flags->logged_share,
                   "With --continue: their share of the tokens; the rest is what it learnt from before")
      ->check(CLI::Range(0.01, 0.95))
      ->capture_default_str();
  command->add_flag(
      "--candidate-only", flags->candidate_only,
      "Train and judge, but leave the model in its place as it is: report/model.gguf is the candidate");
  command->add_flag("--resume", flags->options.resume, "Go on after an interruption");
  command->add_flag("--replace", flags->keep_worse, "Replace the model even if the new one is worse");
  command->footer(
      "Example:\n  sotto train workflows/banking --minutes 20\n"
      "  sotto train workflows/banking --steps 2400 --seed 1 --threads 2   # the same again\n"
      "  sotto train workflows/banking --resume                            # after Ctrl-C or a power cut\n"
      "  sotto train workflows/banking --continue week/labelled.jsonl --logged-share 0.3 --candidate-only");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) {
      context.Fail(result.error());
    } else {
      context.exit_code = *result;
    }
  });
}

}  // namespace sotto
