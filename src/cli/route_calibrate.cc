// sotto route calibrate: from how sure on the specialist is believed, with a proven bound.
#include <filesystem>

#include "assistant/open_route.h"
#include "base/mapped_file.h"
#include "base/utc.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/route.h"
#include "cli/route_learn.h"
#include "slm/model.h"

namespace sotto {
namespace {

struct CalibrateFlags {
  BrainFlags brain;
  std::vector<std::string> files;
  LearnFlags learn;
  double max_error = -1;
  double strong_pct = -1;
  double assurance = 0.95;
  bool typed = false;
  bool json = false;
  bool dry = false;
};

// Files that the model's card names as what it was trained on prove nothing.
Result<void> CheckHeldOut(const Brain& brain, const std::vector<std::string>& files) {
  const std::filesystem::path folder = std::filesystem::path(brain.model().path()).parent_path();
  const auto card = ReadFile(folder / "card.md");
  if (!card) return {};
  const size_t begin = card->find("\n## Data");
  if (begin == std::string::npos) return {};
  const std::string data = card->substr(begin, card->find("\n## ", begin + 1) - begin);
  for (const std::string& file : files) {
    const std::filesystem::path path(file);
    if (data.find("`" + path.filename().string() + "`") == std::string::npos) continue;
    std::error_code ignored;
    if (!std::filesystem::equivalent(path.parent_path().empty() ? "." : path.parent_path(), folder, ignored))
      continue;
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: the model was trained on it ({}): thresholds need turns that it never saw", file,
                     (folder / "card.md").string());
  }
  return {};
}

// `sure`: of each turn; empty: its confidence.
std::vector<JudgedTurn> Judged(const Evaluation& evaluation, const std::vector<double>& sure) {
  std::vector<JudgedTurn> turns;
  for (const ScoredTurn& scored : evaluation.turns) {
    JudgedTurn turn;
    for (const ToolCall& call : scored.got) turn.tools.push_back(call.name);
    turn.confidence = sure.empty() ? scored.confidence : sure[turns.size()];
    turn.right = scored.exact;
    turns.push_back(std::move(turn));
  }
  return turns;
}

// What taught how sure an answer is proves nothing about it.
Result<void> CheckApart(const CalibrateFlags& flags) {
  for (const std::string& file : flags.files) {
    for (const std::string& learnt : flags.learn.turns) {
      std::error_code ignored;
      if (std::filesystem::equivalent(file, learnt, ignored))
        return MakeError(
            ErrorCode::kInvalidArgument,
            "{}: stands in --learn and in --conversations: thresholds need turns that nothing was "
            "learnt from",
            file);
    }
  }
  return {};
}

// What was in force before, as it is kept in the new file's history.
Json HistoryOf(const std::filesystem::path& path) {
  const auto text = ReadFile(path);
  if (!text) return Json::array();
  const auto json = ParseJson(*text, path.string());
  const auto file = json ? ThresholdFileFromJson(*json) : tl::unexpected(json.error());
  if (!file) {
    fmt::print(stderr, "sotto: {}: damaged, its history is lost: {}\n", path.string(), file.error().message);
    return Json::array();
  }
  Json before = ToJson(*file);
  Json history = file->history;
  before.erase("history");
  before.erase("format");
  history.insert(history.begin(), std::move(before));
  return history;
}

void PrintThresholds(const ThresholdFile& file) {
  const ThresholdEvidence& all = file.evidence;
  fmt::print(
      "{} turns: {} ({:.1f} %) are believed, {} of them wrong: error below {:.3f} % with {:g} %\n", all.turns,
      all.accepted,
      all.turns == 0 ? 0.0 : 100.0 * static_cast<double>(all.accepted) / static_cast<double>(all.turns),
      all.errors, 100 * all.upper_error, 100 * file.goal.assurance);
  fmt::print("  {:<24} {:.4f}\n", "threshold", file.thresholds.overall);
  for (const auto& [tool, threshold] : file.thresholds.by_tool) {
    const ThresholdEvidence& evidence = file.by_tool.at(tool);
    fmt::print("  {:<24} {:.4f}  ({} of {} turns, {} wrong, below {:.3f} %)\n", tool, threshold,
               evidence.accepted, evidence.turns, evidence.errors, 100 * evidence.upper_error);
  }
}

Result<void> RunCalibrate(const CalibrateFlags& flags) {
  if ((flags.max_error < 0) == (flags.strong_pct < 0))
    return MakeError(ErrorCode::kInvalidArgument,
                     "calibrate needs --max-error SHARE or --strong-pct PERCENT");
  SOTTO_ASSIGN_OR_RETURN(const auto brain, flags.brain.OpenBrain());
  SOTTO_RETURN_IF_ERROR(CheckHeldOut(*brain, flags.files));
  const Channel channel = flags.typed ? Channel::kTyped : Channel::kSpoken;
  SOTTO_ASSIGN_OR_RETURN(const Evaluation evaluation, AnswerTurns(brain, flags.files, channel));
  ThresholdFile file;
  std::vector<double> sure;
  if (flags.learn.any()) {
    SOTTO_RETURN_IF_ERROR(CheckApart(flags));
    SOTTO_ASSIGN_OR_RETURN(const SuretyJudge judge, LearnSurety(brain, flags.learn, channel));
    sure = SuretyOf(evaluation, judge);
    file.learnt = {judge.surety, judge.known->id(), flags.learn.Names()};
  }
  if (flags.max_error >= 0) file.goal.max_error = flags.max_error;
  if (flags.strong_pct >= 0) file.goal.strong_share = flags.strong_pct / 100;
  file.goal.assurance = flags.assurance;
  SOTTO_ASSIGN_OR_RETURN(FittedThresholds fitted, FitThresholds(Judged(evaluation, sure), file.goal));
  const std::filesystem::path path = brain->workflow().folder / kThresholdFile;
  file.thresholds = std::move(fitted.thresholds);
  file.evidence = fitted.all;
  file.by_tool = std::move(fitted.by_tool);
  file.model = brain->model().id();
  file.workflow = brain->workflow().hash;
  file.at = UtcStamp(SystemClock().WallNow());
  for (const std::string& name : flags.files)
    file.data += (file.data.empty() ? "" : ", ") + std::filesystem::path(name).filename().string();
  file.history = HistoryOf(path);
  if (!flags.dry) SOTTO_RETURN_IF_ERROR(WriteFileAtomically(path, ToJson(file).dump(1) + "\n"));
  if (flags.json) {
    fmt::print("{}\n", ToJson(file).dump());
  } else {
    PrintThresholds(file);
    if (!flags.dry) fmt::print("{}: written\n", path.string());
  }
  return {};
}

}  // namespace

void RegisterRouteCalibrate(CLI::App& route, CliContext& context) {
  CLI::App* command = route.add_subcommand(
      "calibrate", "Find from how sure on the specialist is believed, with a proven bound on its errors");
  auto flags = std::make_shared<CalibrateFlags>();
  flags->brain.AddTo(*command);
  command->add_option("--conversations", flags->files, "Labelled turns that it was not trained on, *.jsonl")
      ->required();
  flags->learn.AddTo(*command);
  command
      ->add_option("--max-error", flags->max_error,
                   "The cheapest threshold with fewer errors than this share among what is believed")
      ->check(CLI::Range(1e-6, 0.5));
  command->add_option("--strong-pct", flags->strong_pct, "Instead: so many percent of turns go further")
      ->check(CLI::Range(0.0, 100.0));
  command->add_option("--assurance", flags->assurance, "Of the bound")
      ->check(CLI::Range(0.5, 0.9999))
      ->capture_default_str();
  command->add_flag("--typed", flags->typed, "The words were typed");
  command->add_flag("--dry-run", flags->dry, "Write nothing");
  command->add_flag("--json", flags->json, "The file's contents");
  command->footer(
      "Writes route.json into the workflow's folder (docs/formats/route.md); what was there goes to its "
      "history.\n"
      "Example:\n  sotto route calibrate --workflow workflows/banking --conversations heldout.jsonl "
      "--max-error "
      "0.01\n  sotto route calibrate --workflow workflows/banking --conversations heldout.jsonl --strong-pct "
      "20\n  sotto route calibrate --workflow workflows/banking --conversations heldout.jsonl --learn "
      "others.jsonl "
      "--learn-callers workflows/banking/callers.jsonl --max-error 0.01");
  command->callback([flags, &context] {
    if (auto result = RunCalibrate(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
