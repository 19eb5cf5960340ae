// Judging a trained specialist with the real decoder, and putting it in its place.
#include "base/mapped_file.h"
#include "brain/brain.h"
#include "brain/evaluation.h"
#include "core/conversation_jsonl.h"
#include "learn/noise.h"
#include "learn/specialist_card.h"
#include "learn/specialist_training.h"
#include "slm/model.h"

namespace sotto {

Result<SpecialistJudgement> JudgeSpecialist(
    std::shared_ptr<const Workflow> workflow, const std::filesystem::path& model, int threads,
    const std::vector<std::pair<std::string, std::filesystem::path>>& judges,
    const TrainingProgress& progress, const std::function<void(const SetFigures&)>& on_set) {
  BrainOptions brain_options;
  brain_options.n_threads = threads;
  brain_options.calibrated = false;
  SOTTO_ASSIGN_OR_RETURN(const auto brain, Brain::Open(workflow, model, brain_options));
  SpecialistJudgement judged;
  judged.model_id = brain->model().id();
  const Confusions confusions = Confusions::BuiltIn();
  const auto measure = [&](const std::string& name, const std::vector<LabelledConversation>& rows,
                           double word_errors) -> Result<void> {
    EvaluationOptions options;
    Random random(1);
    if (word_errors > 0) {
      options.corrupt = [&](Conversation& c) { CorruptConversation(c, word_errors, confusions, random); };
    }
    options.on_progress = [&](size_t done, size_t total) { progress("evaluating " + name, done, total); };
    SOTTO_ASSIGN_OR_RETURN(const Evaluation evaluation, Evaluate(brain, rows, options));
    for (const ScoredTurn& turn : evaluation.turns) {
      judged.features.push_back(turn.features);
      judged.confidences.push_back(turn.confidence);
      judged.right.push_back(turn.exact);
    }
    const double whole = static_cast<double>(evaluation.conversations_exact) /
                         static_cast<double>(std::max<size_t>(1, evaluation.conversations));
    judged.sets.push_back({name, evaluation.turns.size(), evaluation.conversations, evaluation.exact(),
                           evaluation.name(), whole});
    if (on_set) on_set(judged.sets.back());
    return {};
  };
  for (const auto& [name, path] : judges) {
    SOTTO_ASSIGN_OR_RETURN(const std::vector<LabelledConversation> rows, ReadConversations(path));
    SOTTO_RETURN_IF_ERROR(measure(name, rows, 0));
    judged.mean_exact += judged.sets.back().exact / static_cast<double>(judges.size());
    const bool real = name.starts_with("real");
    if (!real) SOTTO_RETURN_IF_ERROR(measure(name + ", 10 % word errors", rows, 0.1));
  }
  return judged;
}

Result<Installed> InstallSpecialist(const Workflow& workflow, const TrainingPaths& paths,
                                    const TrainingOptions& options, const TrainingData& data,
                                    const SpecialistJudgement& judged, const CardFacts& facts) {
  const Calibration calibration = Calibration::Fit(judged.features, judged.right);
  std::vector<double> fitted;
  for (const ConfidenceFeatures& f : judged.features) fitted.push_back(calibration.Apply(f));
  // The plain product of probabilities is often calibrated already: only what is better is kept.
  const bool better = ExpectedCalibrationError(fitted, judged.right) <
                      ExpectedCalibrationError(judged.confidences, judged.right);
  const std::vector<double>& confidences = better ? fitted : judged.confidences;
  const Installed installed{ExpectedCalibrationError(confidences, judged.right),
                            AreaUnderRoc(confidences, judged.right)};
  std::error_code error;
  std::filesystem::rename(paths.candidate, paths.model, error);
  if (error) return MakeError(ErrorCode::kIo, "{}: {}", paths.model.string(), error.message());
  std::filesystem::remove(paths.calibration, error);
  if (better) {
    SOTTO_RETURN_IF_ERROR(
        WriteFileAtomically(paths.calibration, calibration.ToJson(judged.model_id).dump(1) + "\n"));
  }
  SOTTO_RETURN_IF_ERROR(
      WriteFileAtomically(paths.card, CardText(workflow, options, data, judged, facts, installed)));
  std::filesystem::remove(paths.checkpoint, error);
  return installed;
}

}  // namespace sotto
