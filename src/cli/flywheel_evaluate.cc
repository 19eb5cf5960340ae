// sotto flywheel evaluate: champion against candidate on the same turns.
#include <fmt/ranges.h>

#include "action/actions.h"
#include "assistant/script_brain.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/random.h"
#include "brain/evaluation.h"
#include "cli/action_options.h"
#include "cli/command.h"
#include "cli/flywheel_command.h"
#include "cli/progress.h"
#include "cli/version_facts.h"
#include "dialogue/script.h"
#include "flywheel/evaluate.h"
#include "learn/noise.h"
#include "slm/model.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct EvaluateFlags {
  std::string registry;
  std::string workflow;
  std::string champion;
  std::string candidate;
  std::vector<std::string> data;
  std::vector<std::string> trained_on;
  std::string markdown;
  std::string command;
  EvaluateGoal goal;
  bool noisy = false;
  double noise = 0;
  uint64_t seed = 1;
  bool typed = false;
  bool no_dialogues = false;
  bool json = false;
  int threads = 2;
  ActFlags act;
};

// A version of the registry, or a file.
struct Contender {
  std::string name;
  std::string version;  // empty: a file
  std::filesystem::path model;
  std::optional<TrainedOn> trained;
};

Result<Contender> FindContender(const std::string& given, VersionRegistry* registry) {
  Contender one{given, "", given, std::nullopt};
  if (given.ends_with(".gguf")) {
    one.name = std::filesystem::path(given).filename().string();
    return one;
  }
  if (registry == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "'{}' is neither a .gguf file nor is there a registry",
                     given);
  SOTTO_ASSIGN_OR_RETURN(const auto found, registry->Find(given));
  one.name = one.version = found.first;
  one.model = registry->FolderOf(found.first) / "model.gguf";
  const std::filesystem::path prints = registry->FolderOf(found.first) / "trained_on.bin";
  if (std::filesystem::exists(prints)) {
    SOTTO_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(prints));
    SOTTO_ASSIGN_OR_RETURN(one.trained, TrainedOn::FromBytes(bytes, prints.string()));
  }
  return one;
}

bool SameCallsAs(const ScoredTurn& a, const ScoredTurn& b) {
  return std::equal(a.got.begin(), a.got.end(), b.got.begin(), b.got.end(), SameCall);
}

Result<PairedSet> AskBoth(const std::shared_ptr<const Brain>& champion,
                          const std::shared_ptr<const Brain>& candidate, std::string name,
                          const std::vector<LabelledConversation>& rows, double noise,
                          const EvaluateFlags& flags) {
  PairedSet set;
  set.name = std::move(name);
  set.noise = noise > 0;
  std::vector<Evaluation> asked;
  const Confusions confusions = Confusions::BuiltIn();
  for (const auto& brain : {champion, candidate}) {
    Random random(flags.seed);  // both hear the same
    EvaluationOptions options;
    options.channel = flags.typed ? Channel::kTyped : Channel::kSpoken;
    if (noise > 0) {
      options.corrupt = [&](Conversation& conversation) {
        CorruptConversation(conversation, noise, confusions, random);
      };
    }
    ProgressBar bar(fmt::format("{} ({})", set.name, asked.empty() ? "champion" : "candidate"));
    options.on_progress = [&bar](size_t done, size_t total) { bar.Update(done, total); };
    SOTTO_ASSIGN_OR_RETURN(Evaluation evaluation, Evaluate(brain, rows, options));
    asked.push_back(std::move(evaluation));
  }
  set.conversations = asked[0].conversations;
  for (size_t i = 0; i < asked[0].turns.size(); ++i) {
    const ScoredTurn& a = asked[0].turns[i];
    const ScoredTurn& b = asked[1].turns[i];
    set.turns.push_back({a.line, a.turn, a.user, a.gold.front().name, a.exact, b.exact, !SameCallsAs(a, b)});
  }
  return set;
}

Result<std::vector<bool>> RunDialogues(const std::shared_ptr<const Workflow>& workflow,
                                       const std::vector<DialogueScript>& scripts,
                                       const std::shared_ptr<const Brain>& brain) {
  ScriptServices services;
  services.caller = TerminalCaller(*workflow, kDemoCustomer, "text");
  services.make_runner = [&] { return OpenRunner(*workflow, ":memory:"); };
  services.understand = MakeScriptBrain(brain);
  std::vector<bool> passed;
  ProgressBar bar("dialogues");
  for (const DialogueScript& script : scripts) {
    passed.push_back(RunScript(workflow, script, services).failures.empty());
    bar.Update(passed.size(), scripts.size());
  }
  return passed;
}

Result<std::vector<PairedDialogue>> DialoguesOfBoth(const std::shared_ptr<const Workflow>& workflow,
                                                    const std::shared_ptr<const Brain>& champion,
                                                    const std::shared_ptr<const Brain>& candidate) {
  const std::filesystem::path folder = workflow->folder / "dialogues";
  std::vector<PairedDialogue> both;
  if (!std::filesystem::exists(folder)) return both;
  SOTTO_ASSIGN_OR_RETURN(const std::vector<DialogueScript> scripts, ReadScripts(folder, *workflow));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<bool> first, RunDialogues(workflow, scripts, champion));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<bool> second, RunDialogues(workflow, scripts, candidate));
  for (size_t i = 0; i < scripts.size(); ++i) both.push_back({scripts[i].name, first[i], second[i]});
  return both;
}

// What the candidate was trained on: what its version says, and the files named here.
Result<std::optional<TrainedOn>> TrainingOf(Contender& candidate, const EvaluateFlags& flags) {
  std::optional<TrainedOn> trained = std::move(candidate.trained);
  if (flags.trained_on.empty()) return trained;
  SOTTO_ASSIGN_OR_RETURN(TrainingRecord named, ReadTrainingData(flags.trained_on));
  if (!trained) return std::optional(std::move(named.trained));
  trained->Add(named.trained);
  return trained;
}

Result<void> Run(const EvaluateFlags& flags) {
  std::unique_ptr<VersionRegistry> registry;
  if (std::filesystem::exists(std::filesystem::path(flags.registry) / "acts.db")) {
    SOTTO_ASSIGN_OR_RETURN(registry, OpenRegistry(flags.registry));
  }
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Workflow> workflow, LoadWorkflow(flags.workflow));
  std::string champion_given = flags.champion;
  if (champion_given.empty()) {
    if (registry != nullptr) {
      SOTTO_ASSIGN_OR_RETURN(const LiveState live, registry->Live(workflow->name));
      champion_given = live.version;
    }
    if (champion_given.empty())
      return MakeError(ErrorCode::kInvalidArgument, "nothing of {} is live: name a --champion",
                       workflow->name);
  }
  SOTTO_ASSIGN_OR_RETURN(const Contender champion, FindContender(champion_given, registry.get()));
  SOTTO_ASSIGN_OR_RETURN(Contender candidate, FindContender(flags.candidate, registry.get()));
  const BrainOptions options{.n_threads = flags.threads};
  SOTTO_ASSIGN_OR_RETURN(const auto first, Brain::Open(workflow, champion.model, options));
  SOTTO_ASSIGN_OR_RETURN(const auto second, Brain::Open(workflow, candidate.model, options));
  SOTTO_ASSIGN_OR_RETURN(const std::optional<TrainedOn> trained, TrainingOf(candidate, flags));
  std::vector<PairedSet> sets;
  std::optional<Contamination> contamination;
  if (trained) contamination.emplace();
  Json data = Json::array();
  for (const std::string& path : flags.data) {
    const std::string name = std::filesystem::path(path).filename().string();
    SOTTO_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
    SOTTO_ASSIGN_OR_RETURN(const std::vector<LabelledConversation> rows, ReadConversations(path));
    data.push_back({{"file", name}, {"hash", HashName(bytes)}, {"conversations", rows.size()}});
    if (trained) contamination->Add(FindContamination(*trained, rows), name);
    SOTTO_ASSIGN_OR_RETURN(PairedSet plain, AskBoth(first, second, name, rows, 0, flags));
    sets.push_back(std::move(plain));
    if (flags.noise > 0) {
      SOTTO_ASSIGN_OR_RETURN(
          PairedSet noisy,
          AskBoth(first, second, fmt::format("{}, {:.0f} % word errors", name, 100 * flags.noise), rows,
                  flags.noise, flags));
      sets.push_back(std::move(noisy));
    }
  }
  std::vector<PairedDialogue> dialogues;
  if (!flags.no_dialogues) {
    SOTTO_ASSIGN_OR_RETURN(dialogues, DialoguesOfBoth(workflow, first, second));
  }
  const EvaluateReport report = Judge(sets, dialogues, contamination, flags.goal);
  Json json = ToJson(report);
  json["champion"] = champion.name;
  json["candidate"] = candidate.name;
  json["data"] = data;
  json["command"] = flags.command;
  const std::string markdown = ToMarkdown(report, champion.name, candidate.name, flags.command);
  if (registry != nullptr && !candidate.version.empty()) {
    SOTTO_ASSIGN_OR_RETURN(
        const Act act,
        registry->Record({std::string(act::kEvaluated), workflow->name, candidate.version, flags.act.by,
                          report.reasons.empty() ? "as good within the margins, everywhere"
                                                 : fmt::format("{}", fmt::join(report.reasons, "; ")),
                          json}));
    json["act"] = act.seq;
    fmt::print(stderr, "act {}: {}\n", act.seq, EvaluateVerdictName(report.verdict));
  }
  if (!flags.markdown.empty()) SOTTO_RETURN_IF_ERROR(WriteFileAtomically(flags.markdown, markdown));
  fmt::print("{}", flags.json ? json.dump() + "\n" : markdown);
  if (report.verdict == EvaluateVerdict::kRefused)
    return MakeError(ErrorCode::kInvalidArgument, "refused: {}", report.reasons.front());
  return {};
}

}  // namespace

void RegisterFlywheelEvaluate(CLI::App& flywheel, CliContext& context) {
  CLI::App* command =
      flywheel.add_subcommand("evaluate", "Is a candidate as good as the champion, on every tool?");
  auto flags = std::make_shared<EvaluateFlags>();
  AddRegistryOption(*command, flags->registry);
  command->add_option("--workflow", flags->workflow, "Folder of the workflow")
      ->required()
      ->envname("SOTTO_WORKFLOW");
  command->add_option("--champion", flags->champion, "Version or .gguf file; default: what is live");
  command->add_option("--candidate", flags->candidate, "Version or .gguf file")->required();
  command->add_option("--data", flags->data, "Labelled conversations, *.jsonl; several")
      ->required()
      ->delimiter(',');
  command
      ->add_option("--trained-on", flags->trained_on,
                   "What the candidate was trained on, besides what its version says; several")
      ->delimiter(',');
  command->add_flag("--noise", flags->noisy, "Ask again with 10 % of the words misheard");
  command->add_option("--word-errors", flags->noise, "The same with this share of words")
      ->check(CLI::Range(0.001, 0.9));
  command->add_option("--seed", flags->seed, "Of the mishearing")->capture_default_str();
  command->add_option("--margin", flags->goal.overall.margin, "Worse by less is as good, overall")
      ->check(CLI::Range(0.0001, 0.5))
      ->capture_default_str();
  command->add_option("--tool-margin", flags->goal.tool.margin, "The same of each tool")
      ->check(CLI::Range(0.0001, 0.5))
      ->capture_default_str();
  command->add_option("--alpha", flags->goal.overall.alpha, "Chance to pass one that is worse by the margin")
      ->check(CLI::Range(0.0001, 0.49))
      ->capture_default_str();
  command
      ->add_option("--power", flags->goal.overall.power, "With which one as good should pass; less is a hold")
      ->check(CLI::Range(0.1, 0.999))
      ->capture_default_str();
  command->add_flag("--typed", flags->typed, "The words were typed");
  command->add_flag("--no-dialogues", flags->no_dialogues, "Leave the workflow's dialogues out");
  command->add_option("--markdown", flags->markdown, "Write the report there, too");
  command->add_option("--threads", flags->threads, "Threads of the models")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  command->add_flag("--json", flags->json, "The report as one JSON object");
  flags->act.AddTo(*command, false);
  command->footer(
      "Verdicts: pass, hold (not shown, or not enough turns), worse, refused (trained on the evaluation set: "
      "exit 2).\n"
      "Of versions of a registry the verdict is recorded, and is the evidence of a promotion.\n\nExample:\n"
      "  sotto flywheel evaluate --workflow workflows/banking --champion 1f3a --candidate 90bc "
      "--data gold.jsonl,week.jsonl --noise\n"
      "  sotto flywheel evaluate --workflow workflows/banking --champion old.gguf --candidate new.gguf "
      "--trained-on rows.jsonl --data workflows/banking/valid.jsonl");
  command->callback([flags, &context] {
    flags->goal.tool.alpha = flags->goal.overall.alpha;
    flags->goal.tool.power = flags->goal.overall.power;
    if (flags->noisy && flags->noise == 0) flags->noise = 0.1;
    flags->command = fmt::format(
        "sotto flywheel evaluate --workflow {} --champion {} --candidate {} --data {}{}", flags->workflow,
        flags->champion.empty() ? "(live)" : flags->champion, flags->candidate, fmt::join(flags->data, ","),
        flags->noise > 0 ? fmt::format(" --word-errors {}", flags->noise) : "");
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
