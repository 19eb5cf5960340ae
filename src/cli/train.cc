// sotto train: a specialist for a workflow. Generates conversations, has sotto-train learn from them,
// evaluates with the real decoder, calibrates, and replaces the model only by one that is not worse.
#include "cli/train.h"

#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <set>

#include "base/mapped_file.h"
#include "brain/calibration.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "learn/noise.h"
#include "learn/public_data.h"
#include "learn/synth.h"
#include "learn/validate.h"
#include "slm/model.h"
#include "workflow/parse.h"
#include "workflow/starter.h"

extern char** environ;

namespace sotto {
namespace {

constexpr size_t kHeldOut = 600;      // generated conversations that are never trained on
constexpr size_t kWithholdEvery = 5;  // seeds, where there is no valid.jsonl
constexpr size_t kSpeechSentences = 10000;
constexpr size_t kSpeechConversations = 6000;

using Rows = std::vector<LabelledConversation>;

Result<std::shared_ptr<const Workflow>> LoadAndReport(const std::string& folder) {
  SOTTO_ASSIGN_OR_RETURN(ParsedWorkflow parsed, ReadWorkflow(folder));
  for (const Mistake& mistake : parsed.mistakes) fmt::print(stderr, "{}\n", ToString(mistake, parsed.file));
  if (!parsed.workflow) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: the workflow has mistakes (above)", parsed.file);
  }
  return std::make_shared<const Workflow>(std::move(*parsed.workflow));
}

// Every wrong row is listed with file and line; one is enough to stop, before anything is spent on training.
Result<Rows> ReadChecked(const std::filesystem::path& path, const Workflow& workflow) {
  std::vector<std::string> errors;
  SOTTO_ASSIGN_OR_RETURN(Rows rows, ReadConversations(path, &errors));
  std::map<std::string, std::pair<int, std::string>> labels;  // first turn's text -> line, calls
  std::set<int> left_out;
  for (const LabelledConversation& row : rows) {
    if (row.name_only) continue;
    if (const auto why = WhyInvalid(workflow, row.conversation)) {
      // A value that nobody said is often a slip of the recogniser in the user's text: not learnt from, no
      // reason to stop.
      if (why->ends_with("was never said")) {
        fmt::print(stderr, "{}:{}: {}; left out\n", path.string(), row.line, *why);
        left_out.insert(row.line);
        continue;
      }
      errors.push_back(fmt::format("{}:{}: {}", path.string(), row.line, *why));
    }
    if (row.conversation.turns.empty()) continue;
    const Turn& first = row.conversation.turns.front();
    std::string calls;
    for (const ToolCall& call : first.calls) calls += ToString(call) + " ";
    const auto [entry, fresh] = labels.try_emplace(first.user, row.line, calls);
    if (!fresh && entry->second.second != calls) {
      errors.push_back(fmt::format("{}:{}: \"{}\" is {}here, {}on line {}", path.string(), row.line,
                                   first.user, calls, entry->second.second, entry->second.first));
    }
  }
  for (const std::string& error : errors) fmt::print(stderr, "{}\n", error);
  if (!errors.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: {} wrong rows (above)", path.string(), errors.size());
  }
  if (left_out.size() == rows.size() && !rows.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: every row is wrong (above)", path.string());
  }
  std::erase_if(rows, [&](const LabelledConversation& row) { return left_out.contains(row.line); });
  return rows;
}

// What is trained on and what judges, as files of the report folder.
class Preparation {
 public:
  Preparation(const TrainFlags& flags, const TrainPaths& paths, std::shared_ptr<const Workflow> workflow)
      : flags_(flags), paths_(paths), workflow_(std::move(workflow)), source_(workflow_) {}

  Result<void> Run(TrainOutcome& outcome) {
    std::error_code error;
    std::filesystem::create_directories(paths_.report, error);
    if (error) return MakeError(ErrorCode::kIo, "{}: {}", paths_.report.string(), error.message());
    SOTTO_RETURN_IF_ERROR(ReadSeeds(outcome));
    SOTTO_RETURN_IF_ERROR(Generate(outcome));
    return ReadPublic(outcome);
  }
  const std::vector<std::string>& arguments() const { return arguments_; }
  const std::vector<std::pair<std::string, std::filesystem::path>>& judges() const { return judges_; }

 private:
  Result<void> ReadSeeds(TrainOutcome& outcome) {
    if (std::filesystem::exists(paths_.valid)) {
      SOTTO_RETURN_IF_ERROR(ReadChecked(paths_.valid, *workflow_));
      judges_.emplace_back("valid.jsonl", paths_.valid);
    }
    if (!std::filesystem::exists(paths_.seeds)) return {};
    SOTTO_ASSIGN_OR_RETURN(const Rows seeds, ReadChecked(paths_.seeds, *workflow_));
    Rows kept;
    Rows withheld;
    for (size_t i = 0; i < seeds.size(); ++i) {
      const bool withhold =
          judges_.empty() && seeds.size() >= kWithholdEvery && i % kWithholdEvery == kWithholdEvery - 1;
      (withhold ? withheld : kept).push_back(seeds[i]);
    }
    outcome.seeds = kept.size();
    if (!withheld.empty()) {
      SOTTO_RETURN_IF_ERROR(WriteConversations(paths_.withheld, withheld));
      judges_.emplace_back("withheld seeds", paths_.withheld);
      SOTTO_RETURN_IF_ERROR(HideWithheld(kept, withheld));
    }
    const std::filesystem::path copy = paths_.report / "seeds.jsonl";
    SOTTO_RETURN_IF_ERROR(WriteConversations(copy, kept));
    AddData(copy, 0.05);
    return {};
  }

  // The generator speaks from a folder that has the kept seeds only.
  Result<void> HideWithheld(const Rows& kept, const Rows& withheld) {
    const std::filesystem::path view = paths_.report / "source";
    std::error_code error;
    std::filesystem::create_directories(view, error);
    for (const char* name : {"phrases.yaml", "confusions.tsv", "public_data.yaml"}) {
      if (!std::filesystem::exists(paths_.folder / name)) continue;
      std::filesystem::copy_file(paths_.folder / name, view / name,
                                 std::filesystem::copy_options::overwrite_existing, error);
    }
    if (error) return MakeError(ErrorCode::kIo, "{}: {}", view.string(), error.message());
    SOTTO_RETURN_IF_ERROR(WriteConversations(view / "seed.jsonl", kept));
    auto source = std::make_shared<Workflow>(*workflow_);
    source->folder = view;
    // `sotto new` makes examples of seeds.
    std::map<std::string, std::set<std::string>> hidden;  // by tool
    for (const LabelledConversation& row : withheld)
      for (const Turn& turn : row.conversation.turns)
        for (const ToolCall& call : turn.calls)
          hidden[call.name].insert(ExampleOf(turn.user, call.arguments));
    for (ToolDef& tool : source->tools)
      std::erase_if(tool.examples, [&](const std::string& e) { return hidden[tool.name].contains(e); });
    source_ = std::move(source);
    return {};
  }

  Result<void> Generate(TrainOutcome& outcome) {
    outcome.generated = flags_.count;
    judges_.emplace_back("generated, held out", paths_.held_out);
    AddData(paths_.generated, 0.8);
    if (flags_.resume && std::filesystem::exists(paths_.checkpoint) &&
        std::filesystem::exists(paths_.generated)) {
      return {};
    }
    SynthOptions options;
    options.count = flags_.count + kHeldOut;
    options.seed = flags_.seed;
    options.data = flags_.public_data;
    ProgressBar bar("generating");
    options.progress = [&](size_t done, size_t total) { bar.Update(done, total); };
    SOTTO_ASSIGN_OR_RETURN(Synthesised made, Synthesise(source_, options));
    bar.Finish();
    if (made.conversations.size() <= kHeldOut) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: the generator made only {} valid conversations",
                       flags_.folder, made.conversations.size());
    }
    Rows held(made.conversations.begin(), made.conversations.begin() + kHeldOut);
    made.conversations.erase(made.conversations.begin(), made.conversations.begin() + kHeldOut);
    outcome.generated = made.conversations.size();
    options.count = std::min<size_t>(flags_.count, kSpeechConversations);
    options.seed = flags_.seed + 1;
    options.simulator.noise =
        0;                 // the recogniser's language model learns what people say, not how it is misheard
    options.data.clear();  // nor what people say to other assistants
    options.progress = nullptr;
    SOTTO_ASSIGN_OR_RETURN(const Synthesised clean, Synthesise(workflow_, options));
    SOTTO_RETURN_IF_ERROR(WriteSpeech(clean.conversations));
    SOTTO_RETURN_IF_ERROR(WriteConversations(paths_.held_out, held));
    return WriteConversations(paths_.generated, made.conversations);
  }

  // Plain sentences for the recogniser's language model.
  Result<void> WriteSpeech(const Rows& rows) {
    std::set<std::string> seen;
    std::string text;
    for (const LabelledConversation& row : rows) {
      for (const Turn& turn : row.conversation.turns) {
        if (seen.size() < kSpeechSentences && seen.insert(turn.user).second) text += turn.user + "\n";
      }
    }
    return WriteFileAtomically(paths_.speech, text);
  }

  Result<void> ReadPublic(TrainOutcome& outcome) {
    if (flags_.public_data.empty()) return {};
    SOTTO_ASSIGN_OR_RETURN(PublicSentences train,
                           ReadPublicSentences(*workflow_, flags_.public_data, PublicSplit::kTrain));
    SOTTO_RETURN_IF_ERROR(WriteConversations(paths_.served, train.served));
    train.unserved.insert(train.unserved.end(), train.stateless.begin(), train.stateless.end());
    SOTTO_RETURN_IF_ERROR(WriteConversations(paths_.unserved, UnclearRows(*workflow_, train.unserved)));
    if (!train.served.empty()) AddData(paths_.served, 0.10);
    if (!train.unserved.empty()) AddData(paths_.unserved, 0.10);
    for (const PublicSet& set : UsablePublicSets()) {
      const bool used = std::any_of(train.counts.begin(), train.counts.end(), [&](const auto& count) {
        return count.first.starts_with(set.name + " ");
      });
      if (used) outcome.sources.push_back(fmt::format("{} ({})", set.name, set.licence));
    }
    SOTTO_ASSIGN_OR_RETURN(const PublicSentences held,
                           ReadPublicSentences(*workflow_, flags_.public_data, PublicSplit::kHeldOut));
    const std::pair<const char*, Rows> sets[] = {
        {"real sentences, served", held.served},
        {"real sentences, not served", UnclearRows(*workflow_, held.unserved)}};
    for (const auto& [name, rows] : sets) {
      if (rows.empty()) continue;
      const std::filesystem::path path =
          paths_.report / (name == sets[0].first ? "real.jsonl" : "real_unclear.jsonl");
      SOTTO_RETURN_IF_ERROR(WriteConversations(path, rows));
      judges_.emplace_back(name, path);
    }
    return {};
  }

  void AddData(const std::filesystem::path& path, double share) {
    arguments_.push_back("--data");
    arguments_.push_back(fmt::format("{}:{}", path.string(), share));
  }

  const TrainFlags& flags_;
  const TrainPaths& paths_;
  const std::shared_ptr<const Workflow> workflow_;
  std::shared_ptr<const Workflow> source_;  // the same, without withheld seeds
  std::vector<std::string> arguments_;
  std::vector<std::pair<std::string, std::filesystem::path>> judges_;
};

// sotto-train lies beside sotto. Ctrl-C reaches both: it saves its checkpoint and ends with 1.
Result<int> RunTrainer(const std::vector<std::string>& arguments) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string program = (self.parent_path() / "sotto-train").string();
  if (error || !std::filesystem::exists(program)) {
    return MakeError(ErrorCode::kNotFound, "{}: not built; it needs libtorch-dev and -DSOTTO_TRAINER=ON",
                     program);
  }
  std::vector<std::string> words{program, "train"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const auto old_handler = std::signal(SIGINT, SIG_IGN);  // the child decides
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGINT);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  const int failed = posix_spawn(&child, program.c_str(), nullptr, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  int status = 0;
  if (failed == 0) {
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  std::signal(SIGINT, old_handler);
  if (failed != 0) return MakeError(ErrorCode::kIo, "{}: {}", program, std::strerror(failed));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

struct Judged {
  std::vector<SetFigures> sets;
  std::vector<ConfidenceFeatures> features;
  std::vector<double> confidences;  // uncalibrated
  std::vector<bool> right;
  std::string model_id;
  double mean_exact = 0;  // over the sets
};

Result<Judged> Judge(std::shared_ptr<const Workflow> workflow, const std::filesystem::path& model,
                     const TrainFlags& flags,
                     const std::vector<std::pair<std::string, std::filesystem::path>>& judges) {
  BrainOptions brain_options;
  brain_options.n_threads = flags.threads;
  brain_options.calibrated = false;
  SOTTO_ASSIGN_OR_RETURN(const auto brain, Brain::Open(workflow, model, brain_options));
  Judged judged;
  judged.model_id = brain->model().id();
  const Confusions confusions = Confusions::BuiltIn();
  const auto measure = [&](const std::string& name, const Rows& rows, double word_errors) -> Result<void> {
    EvaluationOptions options;
    Random random(1);
    if (word_errors > 0) {
      options.corrupt = [&](Conversation& c) {
        CorruptConversation(c, word_errors, confusions, random);
        c.channel = Channel::kSpoken;
      };
    }
    ProgressBar bar("evaluating " + name);
    options.on_progress = [&](size_t done, size_t total) { bar.Update(done, total); };
    SOTTO_ASSIGN_OR_RETURN(const Evaluation evaluation, Evaluate(brain, rows, options));
    bar.Finish();
    for (const ScoredTurn& turn : evaluation.turns) {
      judged.features.push_back(turn.features);
      judged.confidences.push_back(turn.confidence);
      judged.right.push_back(turn.exact);
    }
    const double whole = static_cast<double>(evaluation.conversations_exact) /
                         static_cast<double>(std::max<size_t>(1, evaluation.conversations));
    judged.sets.push_back({name, evaluation.turns.size(), evaluation.conversations, evaluation.exact(),
                           evaluation.name(), whole});
    fmt::print("{:<28} exact {:.4f}  name {:.4f}  conversations {:.4f}\n", name, evaluation.exact(),
               evaluation.name(), whole);
    return {};
  };
  for (const auto& [name, path] : judges) {
    SOTTO_ASSIGN_OR_RETURN(const Rows rows, ReadConversations(path));
    SOTTO_RETURN_IF_ERROR(measure(name, rows, 0));
    judged.mean_exact += judged.sets.back().exact / static_cast<double>(judges.size());
    const bool real = name.starts_with("real");
    if (!real) SOTTO_RETURN_IF_ERROR(measure(name + ", 10 % word errors", rows, 0.1));
  }
  return judged;
}

Result<void> Install(const TrainPaths& paths, const Workflow& workflow, const TrainFlags& flags,
                     const Judged& judged, TrainOutcome& outcome) {
  const Calibration calibration = Calibration::Fit(judged.features, judged.right);
  std::vector<double> fitted;
  for (const ConfidenceFeatures& f : judged.features) fitted.push_back(calibration.Apply(f));
  // The plain product of probabilities is often calibrated already: only what is better is kept.
  const bool better = ExpectedCalibrationError(fitted, judged.right) <
                      ExpectedCalibrationError(judged.confidences, judged.right);
  const std::vector<double>& confidences = better ? fitted : judged.confidences;
  outcome.sets = judged.sets;
  outcome.calibration_turns = confidences.size();
  outcome.ece = ExpectedCalibrationError(confidences, judged.right);
  outcome.auroc = AreaUnderRoc(confidences, judged.right);
  std::error_code error;
  std::filesystem::rename(paths.candidate, paths.model, error);
  if (error) return MakeError(ErrorCode::kIo, "{}: {}", paths.model.string(), error.message());
  std::filesystem::remove(paths.calibration, error);
  if (better) {
    SOTTO_RETURN_IF_ERROR(
        WriteFileAtomically(paths.calibration, calibration.ToJson(judged.model_id).dump(1) + "\n"));
  }
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(paths.card, CardText(workflow, flags, outcome)));
  std::filesystem::remove(paths.checkpoint, error);
  return {};
}

Result<int> Run(const TrainFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadAndReport(flags.folder));
  const TrainPaths paths(workflow->folder.empty() ? std::filesystem::path(flags.folder) : workflow->folder);
  TrainOutcome outcome;
  Preparation preparation(flags, paths, workflow);
  SOTTO_RETURN_IF_ERROR(preparation.Run(outcome));

  std::vector<std::string> arguments = preparation.arguments();
  const auto add = [&](const char* option, const std::string& value) {
    arguments.emplace_back(option);
    arguments.push_back(value);
  };
  for (const std::string& file : flags.data) add("--data", file);
  add("--workflow", paths.folder.string());
  add("--held-out", paths.held_out.string());
  if (flags.steps > 0) add("--steps", std::to_string(flags.steps));
  add("--minutes", fmt::format("{}", flags.minutes));
  add("--seed", std::to_string(flags.seed));
  add("--threads", std::to_string(flags.threads));
  add("--checkpoint", paths.checkpoint.string());
  add("--report", paths.report.string());
  add("--metrics", paths.metrics.string());
  add("--out", paths.candidate.string());
  add("--name", "sotto-" + workflow->name);
  const std::filesystem::path base = flags.base.empty() ? paths.folder.parent_path() / "base" / "model.gguf"
                                                        : std::filesystem::path(flags.base);
  if (!flags.base.empty() || std::filesystem::exists(base)) {
    add("--base", base.string());
    outcome.base = (base.parent_path().filename() / base.filename()).string();
  }
  if (!flags.teacher.empty()) add("--teacher", flags.teacher);
  if (flags.resume) arguments.emplace_back("--resume");
  SOTTO_ASSIGN_OR_RETURN(const int status, RunTrainer(arguments));
  if (status != 0) return status;

  SOTTO_ASSIGN_OR_RETURN(const std::string metrics, ReadFile(paths.metrics));
  SOTTO_ASSIGN_OR_RETURN(outcome.metrics, ParseJson(metrics, paths.metrics.string()));
  SOTTO_ASSIGN_OR_RETURN(const Judged judged, Judge(workflow, paths.candidate, flags, preparation.judges()));
  if (std::filesystem::exists(paths.model) && !flags.keep_worse) {
    fmt::print("the model that is there:\n");
    const auto previous = Judge(workflow, paths.model, flags, preparation.judges());
    if (previous && previous->mean_exact > judged.mean_exact) {
      fmt::print(stderr,
                 "sotto: the new model is worse ({:.4f} against {:.4f}): {} is kept, the new one is {}\n",
                 judged.mean_exact, previous->mean_exact, paths.model.string(), paths.candidate.string());
      return 1;
    }
  }
  SOTTO_RETURN_IF_ERROR(Install(paths, *workflow, flags, judged, outcome));
  fmt::print("{}: ece {:.4f}, auroc {:.4f}\n", paths.model.string(), outcome.ece, outcome.auroc);
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
  command->add_option("--seed", flags->seed, "Of everything random")->capture_default_str();
  command->add_option("--threads", flags->threads, "Workers")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  command->add_option("--count", flags->count, "Conversations to generate")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--base", flags->base,
                      "Model to start from; by default base/model.gguf beside the workflow");
  command->add_option("--data", flags->data, "Further conversations, FILE or FILE:SHARE");
  command->add_option("--public-data", flags->public_data,
                      "Folder of public sets (public_data.yaml says what for)");
  command->add_option("--teacher", flags->teacher, "A larger model of the same vocabulary to learn from");
  command->add_flag("--resume", flags->resume, "Go on after an interruption");
  command->add_flag("--replace", flags->keep_worse, "Replace the model even if the new one is worse");
  command->footer(
      "Example:\n  sotto train workflows/banking --minutes 20\n"
      "  sotto train workflows/banking --steps 2400 --seed 1 --threads 2   # the same again\n"
      "  sotto train workflows/banking --resume                            # after Ctrl-C or a power cut");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) {
      context.Fail(result.error());
    } else {
      context.exit_code = *result;
    }
  });
}

}  // namespace sotto
