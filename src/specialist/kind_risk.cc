// Specialists of kind `risk`: training, card, measuring, running.
#include <fstream>

#include "base/logistic.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "specialist/annotator.h"
#include "specialist/escalation_risk.h"
#include "specialist/impatient_callers.h"

namespace sotto {
namespace {

constexpr size_t kMostReasons = 3;
constexpr uint64_t kTrainingSeed = 1;
constexpr uint64_t kMeasuringSeed = 2;

struct RiskKeys {
  std::filesystem::path words;
  int simulate = 0;
};

Result<RiskKeys> ReadRiskKeys(const SpecialistDeclaration& declaration) {
  SOTTO_RETURN_IF_ERROR(CheckKeys(declaration, {"words", "simulate"}));
  RiskKeys keys;
  YamlReader reader;
  std::string words = "words.txt";
  reader.Read(declaration.root, "", "words", words);
  reader.Read(declaration.root, "", "simulate", keys.simulate, 0);
  SOTTO_RETURN_IF_ERROR(FirstMistake(reader, declaration.file()));
  keys.words = declaration.folder / words;
  return keys;
}

std::filesystem::path RiskModelFile(const SpecialistDeclaration& declaration) {
  return declaration.folder / "model.tsv";
}

// {"turns": [{"text", "outcome", "denials"?, ...}], "gave_up": bool}: a call; each of its turns is a moment.
Result<void> ReadRatedCalls(const std::filesystem::path& path, std::vector<JudgedMoment>& out) {
  std::ifstream stream(path);
  if (!stream) return MakeError(ErrorCode::kNotFound, "cannot read {}", path.string());
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    if (line.empty()) continue;
    const std::string here = fmt::format("{}:{}", path.string(), number);
    SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(CleanUtf8(line), here));
    if (!json.is_object() || !json.contains("turns") || !json["turns"].is_array() ||
        !json.value("gave_up", Json()).is_boolean())
      return MakeError(ErrorCode::kInvalidArgument, "{}: no object with \"turns\": [...] and \"gave_up\"",
                       here);
    const bool gave_up = json["gave_up"].get<bool>();
    CallSoFar call;
    const Json& turns = json["turns"];
    for (size_t t = 0; t < turns.size(); ++t) {
      if (!turns[t].is_object() || !turns[t].value("text", Json("")).is_string())
        return MakeError(ErrorCode::kInvalidArgument, "{}: turns[{}] has no text", here, t);
      CallTurn turn;
      turn.text = turns[t].value("text", "");
      const std::string outcome = turns[t].value("outcome", "handled");
      if (outcome == "not_understood") {
        turn.outcome = TurnRecord::Outcome::kNotUnderstood;
      } else if (outcome == "no_input") {
        turn.outcome = TurnRecord::Outcome::kNoInput;
      } else if (outcome != "handled") {
        return MakeError(ErrorCode::kInvalidArgument,
                         "{}: turns[{}].outcome is not handled, not_understood or no_input", here, t);
      }
      turn.denials = turns[t].value("denials", 0);
      turn.rejected = turns[t].value("rejected", 0);
      turn.failed = turns[t].value("failed", 0);
      turn.dropped = turns[t].value("dropped", 0);
      out.push_back({call, turn.text, gave_up && turns.size() - t <= 2});
      call.turns.push_back(std::move(turn));
    }
  }
  return {};
}

Result<std::vector<JudgedMoment>> ReadMoments(const SpecialistDeclaration& declaration,
                                              const std::vector<std::string>& files, std::string_view key) {
  SOTTO_ASSIGN_OR_RETURN(const auto paths, DataFiles(declaration, files, key));
  std::vector<JudgedMoment> moments;
  for (const auto& path : paths) SOTTO_RETURN_IF_ERROR(ReadRatedCalls(path, moments));
  return moments;
}

Json MeasureRisk(const RiskWords& words, const RiskModel& model, const std::vector<JudgedMoment>& moments) {
  std::vector<std::pair<double, bool>> scored;
  std::vector<std::pair<double, bool>> by_failures;  // what a counter of failures would say
  size_t positives = 0;
  double brier = 0;
  for (const JudgedMoment& moment : moments) {
    const RiskFeatures features = ReadRiskFeatures(words, moment.call, moment.text);
    const double risk = model.Risk(features);
    scored.emplace_back(risk, moment.gave_up);
    by_failures.emplace_back(features[1], moment.gave_up);
    positives += moment.gave_up;
    brier += (risk - (moment.gave_up ? 1 : 0)) * (risk - (moment.gave_up ? 1 : 0));
  }
  return {{"moments", moments.size()},
          {"gave_up_within_two_turns", positives},
          {"auroc", AreaUnderRoc(scored)},
          {"auroc_of_failures_in_a_row", AreaUnderRoc(by_failures)},
          {"brier", brier / static_cast<double>(std::max<size_t>(moments.size(), 1))}};
}

class RiskAnnotator final : public Annotator {
 public:
  RiskAnnotator(SpecialistDeclaration declaration, RiskWords words, RiskModel model)
      : Annotator(std::move(declaration)), words_(std::move(words)), model_(model) {}

  std::vector<Json> Annotate(std::span<const std::string> texts) const override {
    std::vector<Json> out;
    for (const std::string& text : texts) out.push_back(AnnotateInContext({text}));
    return out;
  }
  Json AnnotateInContext(const TextInContext& in) const override {
    static const CallSoFar kNothing;
    const RiskFeatures features = ReadRiskFeatures(words_, in.call != nullptr ? *in.call : kNothing, in.text);
    const bool person = words_.AsksForPerson(in.text);
    const double risk = person ? 1.0 : model_.Risk(features);
    Json why = Json::array();
    if (person) why.push_back("asks for a person");
    for (const std::string_view reason : model_.Reasons(features, kMostReasons)) why.push_back(reason);
    return {{"risk", risk},
            {"wants_person", person},
            {"why", std::move(why)},
            {"decision", risk >= declaration().threshold ? "accept" : BelowName(declaration().below)}};
  }
  bool reads_context() const override { return true; }
  Json RuleValue(const Json& annotation) const override { return annotation.at("risk"); }
  bool is_number() const override { return true; }

 private:
  const RiskWords words_;
  const RiskModel model_;
};

std::string RiskCard(const SpecialistDeclaration& declaration, const RiskModel& model, const Json& figures,
                     const std::string& data, const SpecialistContext& context) {
  std::string text =
      fmt::format("# Specialist `{}`\n\n{}\n\nKind risk: a logistic regression over {} features.\n\n",
                  declaration.name, declaration.description, kRiskFeatures - 1);
  text += fmt::format("## Data\n\n- {}\n", data);
  if (!declaration.origin.empty()) text += fmt::format("- {}\n", declaration.origin);
  if (!declaration.license.empty()) text += fmt::format("- licence: {}\n", declaration.license);
  text += fmt::format(
      "\n## Figures\n\n| | |\n|---|---|\n| moments measured on | {} |\n| gave up within two turns | {} |\n"
      "| AUROC | {:.3f} |\n| AUROC of the failures in a row alone | {:.3f} |\n| Brier score | {:.4f} |\n\n"
      "| feature | weight |\n|---|---|\n",
      figures["moments"].get<size_t>(), figures["gave_up_within_two_turns"].get<size_t>(),
      figures["auroc"].get<double>(), figures["auroc_of_failures_in_a_row"].get<double>(),
      figures["brier"].get<double>());
  for (size_t i = 0; i < kRiskFeatures; ++i)
    text += fmt::format("| {} | {:.3f} |\n", RiskFeatureNames()[i], model.weights[i]);
  text += fmt::format(
      "\n## Made with\n\n```\nsotto specialist train {}\n```\n\nCommit {}.\n\n## Limits\n\nMeasured on "
      "callers "
      "that were "
      "thought up as those that it was trained on, in other words: how it does on real ones is not known. "
      "Train it "
      "on rated "
      "calls of your own before a rule relies on it (docs/formats/narrow_specialist.md). A wish for a person "
      "is a "
      "rule and "
      "not part of these figures.\n",
      declaration.name, context.commit);
  return text;
}

}  // namespace

Result<std::unique_ptr<Annotator>> OpenRisk(const SpecialistDeclaration& declaration,
                                            const SpecialistContext&) {
  SOTTO_ASSIGN_OR_RETURN(const RiskKeys keys, ReadRiskKeys(declaration));
  SOTTO_ASSIGN_OR_RETURN(RiskWords words, RiskWords::Read(keys.words));
  std::error_code error;
  if (!std::filesystem::exists(RiskModelFile(declaration), error)) {
    return MakeError(ErrorCode::kNotFound, "{} is not there: 'sotto specialist train {}' makes it",
                     RiskModelFile(declaration).string(), declaration.name);
  }
  SOTTO_ASSIGN_OR_RETURN(const RiskModel model, RiskModel::Read(RiskModelFile(declaration)));
  return std::make_unique<RiskAnnotator>(declaration, std::move(words), model);
}

Result<Json> TrainRisk(const SpecialistDeclaration& declaration, const SpecialistContext& context) {
  SOTTO_ASSIGN_OR_RETURN(const RiskKeys keys, ReadRiskKeys(declaration));
  SOTTO_ASSIGN_OR_RETURN(const RiskWords words, RiskWords::Read(keys.words));
  std::vector<JudgedMoment> train;
  std::vector<JudgedMoment> valid;
  const bool simulated = declaration.train.empty() && keys.simulate > 0;
  if (simulated) {
    const auto n = static_cast<size_t>(keys.simulate);
    train = SimulateImpatientCallers({n, kTrainingSeed, false});
    valid = SimulateImpatientCallers({n / 2, kMeasuringSeed, true});
  } else {
    SOTTO_ASSIGN_OR_RETURN(train, ReadMoments(declaration, declaration.train, "train"));
    if (!declaration.valid.empty()) {
      SOTTO_ASSIGN_OR_RETURN(valid, ReadMoments(declaration, declaration.valid, "valid"));
    }
  }
  std::vector<RiskFeatures> rows;
  std::vector<bool> outcomes;
  size_t positives = 0;
  for (const JudgedMoment& moment : train) {
    rows.push_back(ReadRiskFeatures(words, moment.call, moment.text));
    outcomes.push_back(moment.gave_up);
    positives += moment.gave_up;
  }
  if (positives == 0 || positives == train.size()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: the training data has only callers who {}: nothing can be learnt from one kind",
                     declaration.file().string(), positives == 0 ? "stayed" : "gave up");
  }
  RiskModel model;
  model.weights = FitLogistic<kRiskFeatures>(rows, outcomes);
  const Json figures = MeasureRisk(words, model, valid.empty() ? train : valid);
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(RiskModelFile(declaration), model.ToText()));
  const std::string data =
      simulated ? fmt::format(
                      "{} simulated calls ({} moments); measured on {} others whose sentences are other ones",
                      keys.simulate, train.size(), keys.simulate / 2)
                : fmt::format("{} moments of rated calls; measured on {}", train.size(),
                              valid.empty() ? "the same: no valid data" : "the valid data");
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(declaration.folder / "card.md",
                                            RiskCard(declaration, model, figures, data, context)));
  Json out{{"moments", train.size()}};
  out[valid.empty() ? "on_training_data" : "valid"] = figures;
  return out;
}

Result<Json> EvaluateRisk(const SpecialistDeclaration& declaration, const SpecialistContext&,
                          const std::vector<std::string>& data) {
  SOTTO_ASSIGN_OR_RETURN(const RiskKeys keys, ReadRiskKeys(declaration));
  SOTTO_ASSIGN_OR_RETURN(const RiskWords words, RiskWords::Read(keys.words));
  SOTTO_ASSIGN_OR_RETURN(const RiskModel model, RiskModel::Read(RiskModelFile(declaration)));
  std::vector<JudgedMoment> moments;
  const std::vector<std::string>& files = data.empty() ? declaration.valid : data;
  if (files.empty() && keys.simulate > 0) {
    moments = SimulateImpatientCallers({static_cast<size_t>(keys.simulate) / 2, kMeasuringSeed, true});
  } else {
    SOTTO_ASSIGN_OR_RETURN(moments, ReadMoments(declaration, files, "valid"));
  }
  return MeasureRisk(words, model, moments);
}

}  // namespace sotto
