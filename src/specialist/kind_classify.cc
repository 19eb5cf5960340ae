// Specialists of kind `classify`: training, card, measuring, running.
#include <algorithm>

#include "base/mapped_file.h"
#include "specialist/annotator.h"
#include "specialist/classifier_training.h"

namespace sotto {
namespace {

struct ClassifyKeys {
  ClassifierTraining training;
  bool encoder = true;
};

Result<ClassifyKeys> ReadClassifyKeys(const SpecialistDeclaration& declaration) {
  std::vector<std::string> known = {"out_of_scope", "balanced", "features"};
  if (declaration.kind == "command") known.emplace_back("home");  // kind_command.cc trains by this too
  SOTTO_RETURN_IF_ERROR(CheckKeys(declaration, known));
  ClassifyKeys out;
  YamlReader reader;
  const YAML::Node& root = declaration.root;
  reader.Read(root, "", "balanced", out.training.balanced);
  if (const YAML::Node scope = root["out_of_scope"];
      scope && reader.CheckMap(scope, "out_of_scope", {"false_alarms"}, "out_of_scope")) {
    out.training.judge_scope = true;
    reader.Read(scope, "out_of_scope", "false_alarms", out.training.false_alarms);
    if (!(out.training.false_alarms > 0 && out.training.false_alarms < 0.5))
      reader.Add(scope.Mark(), "'false_alarms' is not in 0..0.5");
  }
  if (const YAML::Node features = root["features"];
      features && reader.CheckMap(features, "features",
                                  {"words", "letters_min", "letters_max", "least_texts", "most", "encoder"},
                                  "features")) {
    FeatureOptions& options = out.training.features;
    reader.Read(features, "features", "words", options.words, 0);
    reader.Read(features, "features", "letters_min", options.letters_min, 1);
    reader.Read(features, "features", "letters_max", options.letters_max, 0);
    reader.Read(features, "features", "least_texts", options.least_texts, 1);
    reader.Read(features, "features", "most", options.most, 1);
    reader.Read(features, "features", "encoder", out.encoder);
    if (options.words > 8 || options.letters_max > 16)
      reader.Add(features.Mark(), "runs of at most 8 words and 16 letters");
  }
  SOTTO_RETURN_IF_ERROR(FirstMistake(reader, declaration.file()));
  return out;
}

Result<std::vector<LabelledText>> ReadAll(const std::vector<std::filesystem::path>& files) {
  std::vector<LabelledText> all;
  for (const auto& file : files) {
    SOTTO_ASSIGN_OR_RETURN(const auto rows, ReadLabelledTexts(file));
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

Json ReportOf(const HeadReport& report) {
  return {{"accuracy", report.accuracy},
          {"ece", report.ece},
          {"meaning_weight", report.meaning_weight},
          {"cost", report.cost}};
}

Json ToJson(const ClassifierScore& score) {
  const auto share = [](size_t part, size_t whole) {
    return static_cast<double>(part) / static_cast<double>(whole);
  };
  Json out{{"rows", score.rows}, {"accuracy", score.accuracy()}, {"ece", score.ece}};
  if (score.rows > 0 && score.judges_scope) out["false_alarms"] = share(score.false_alarms, score.rows);
  if (score.rows_out_of_scope > 0 && score.judges_scope) {
    out["rows_out_of_scope"] = score.rows_out_of_scope;
    out["out_of_scope_recall"] = share(score.caught, score.rows_out_of_scope);
    out["out_of_scope_recall_at_rate"] = share(score.caught_at_rate, score.rows_out_of_scope);
  }
  return out;
}

// Both heads on the same rows.
Result<Json> Measure(const SpecialistDeclaration& declaration, const SpecialistContext& context,
                     const std::vector<LabelledText>& rows, double false_alarms) {
  Json out = Json::object();
  for (const bool with : {true, false}) {
    if (with && context.encoder == nullptr) continue;
    SOTTO_ASSIGN_OR_RETURN(const auto classifier,
                           Classifier::Open(declaration.model(), with ? context.encoder : nullptr));
    if (with && !classifier->uses_encoder()) continue;
    const ClassifierScore score = ScoreClassifier(*classifier, rows, false_alarms);
    out[with ? "with_encoder" : "without_encoder"] = ToJson(score);
    if (!out.contains("errors")) out["errors"] = score.errors;
  }
  return out;
}

std::string FigureRow(std::string_view set, std::string_view head, const Json& score) {
  const auto percent = [&](const char* key) {
    return score.contains(key) ? fmt::format("{:.1f} %", 100 * score[key].get<double>()) : std::string("-");
  };
  return fmt::format("| {} | {} | {} | {} | {:.3f} | {} | {} |\n", set, head, score.value("rows", size_t{0}),
                     percent("accuracy"), score.value("ece", 0.0), percent("false_alarms"),
                     percent("out_of_scope_recall"));
}

// The same form as the card of a workflow's specialist (learn/specialist_card.h).
std::string ClassifierCard(const SpecialistDeclaration& declaration, const TrainedClassifier& trained,
                           const Json& figures, size_t bytes, const SpecialistContext& context) {
  std::string text = fmt::format("# Specialist `{}`\n\n{}\n\n", declaration.name, declaration.description);
  text += fmt::format(
      "Kind {}: {} labels. A linear classifier over {} features of words and letters{}, {:.1f} "
      "MB.\n\n## Data\n\n",
      declaration.kind, trained.parts.labels.size(), trained.parts.features.size(),
      trained.parts.encoder_id.empty() ? "" : " and the sentence encoder's vector (docs/models.md)",
      static_cast<double>(bytes) / 1e6);
  text += fmt::format("- {} texts with a label, {} out of scope\n", trained.rows, trained.rows_out_of_scope);
  if (!declaration.origin.empty()) text += fmt::format("- {}\n", declaration.origin);
  if (!declaration.license.empty()) text += fmt::format("- licence: {}\n", declaration.license);
  text +=
      "\n## Figures\n\nHeld out: every fifth of the training data by a classifier without it. Out of scope "
      "is judged at the "
      "threshold that training chose.\n\n"
      "| set | encoder | texts | accuracy | ECE | false alarms | out of scope found "
      "|\n|---|---|---|---|---|---|---|\n";
  const auto held = [&](std::string_view head, const HeadReport& report) {
    text += FigureRow("held out", head,
                      {{"rows", trained.rows}, {"accuracy", report.accuracy}, {"ece", report.ece}});
  };
  if (!trained.parts.encoder_id.empty()) held("with", trained.with_encoder);
  held("without", trained.without_encoder);
  for (const auto& [key, head] :
       {std::pair{"with_encoder", "with"}, std::pair{"without_encoder", "without"}}) {
    if (figures.contains(key)) text += FigureRow("valid", head, figures[key]);
  }
  std::string files;
  for (const std::string& file : declaration.train)
    files += " --data " + std::filesystem::path(file).filename().string();
  text += fmt::format(
      "\n## Made with\n\n```\nsotto specialist train {}{}\n```\n\nCommit {}. The same command gives the same "
      "weights.\n",
      declaration.name, files, context.commit);
  text +=
      "\n## Limits\n\nKnows its labels and nothing else: use the confidence and, where it has one, the "
      "judgement of scope. "
      "Without the sentence encoder it tells texts apart by their words alone.\n";
  return text;
}

class ClassifyAnnotator final : public Annotator {
 public:
  ClassifyAnnotator(SpecialistDeclaration declaration, std::shared_ptr<const Classifier> classifier)
      : Annotator(std::move(declaration)), classifier_(std::move(classifier)) {}

  std::vector<Json> Annotate(std::span<const std::string> texts) const override {
    std::vector<Json> out;
    for (const Classification& got : classifier_->ClassifyMany(texts)) out.push_back(Annotation(got));
    return out;
  }
  Json AnnotateInContext(const TextInContext& text) const override {
    if (!reads_vector() || text.vector.empty()) return Annotator::AnnotateInContext(text);
    return Annotation(classifier_->Classify(text.text, text.vector));
  }
  bool reads_vector() const override { return classifier_->uses_encoder(); }
  std::vector<std::string> labels() const override { return classifier_->labels(); }

 private:
  Json Annotation(const Classification& got) const {
    const HeadCalibration& calibration = classifier_->calibration();
    const bool foreign = calibration.judges_scope() && !(got.in_scope >= calibration.scope_threshold);
    const bool sure = !foreign && got.confidence >= declaration().threshold;
    Json out{{"label", foreign ? Json(nullptr) : Json(classifier_->labels()[got.label])},
             {"confidence", got.confidence}};
    if (calibration.judges_scope()) out["in_scope"] = got.in_scope;
    out["decision"] = sure ? "accept" : BelowName(declaration().below);
    return out;
  }

  const std::shared_ptr<const Classifier> classifier_;
};

}  // namespace

Result<std::unique_ptr<Annotator>> OpenClassify(const SpecialistDeclaration& declaration,
                                                const SpecialistContext& context) {
  SOTTO_RETURN_IF_ERROR(ReadClassifyKeys(declaration));
  std::error_code error;
  if (!std::filesystem::exists(declaration.model(), error)) {
    return MakeError(ErrorCode::kNotFound, "{} is not there: 'sotto specialist train {}' makes it",
                     declaration.model().string(), declaration.name);
  }
  SOTTO_ASSIGN_OR_RETURN(auto classifier, Classifier::Open(declaration.model(), context.encoder));
  return std::make_unique<ClassifyAnnotator>(declaration, std::move(classifier));
}

Result<Json> TrainClassify(const SpecialistDeclaration& declaration, const SpecialistContext& context) {
  SOTTO_ASSIGN_OR_RETURN(const ClassifyKeys keys, ReadClassifyKeys(declaration));
  SOTTO_ASSIGN_OR_RETURN(const auto files, DataFiles(declaration, declaration.train, "train"));
  SOTTO_ASSIGN_OR_RETURN(const auto rows, ReadAll(files));
  std::vector<LabelledText> valid;
  if (!declaration.valid.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const auto valid_files, DataFiles(declaration, declaration.valid, "valid"));
    SOTTO_ASSIGN_OR_RETURN(valid, ReadAll(valid_files));
  }
  ThreadTeam team(static_cast<size_t>(std::max(context.n_threads, 1)));
  SOTTO_ASSIGN_OR_RETURN(
      const TrainedClassifier trained,
      TrainClassifier(declaration.name, rows, keys.encoder ? context.encoder.get() : nullptr, keys.training,
                      team, context.progress));
  SOTTO_RETURN_IF_ERROR(
      WriteClassifier(trained.parts, declaration.model(), declaration.license, declaration.origin));
  Json out{{"rows", trained.rows}, {"labels", trained.parts.labels.size()}};
  if (!trained.parts.encoder_id.empty()) out["held_out_with_encoder"] = ReportOf(trained.with_encoder);
  out["held_out_without_encoder"] = ReportOf(trained.without_encoder);
  Json figures = Json::object();
  if (!valid.empty()) {
    SOTTO_ASSIGN_OR_RETURN(figures, Measure(declaration, context, valid, keys.training.false_alarms));
    out["valid"] = figures;
    out["valid"].erase("errors");
  }
  std::error_code error;
  const auto bytes = static_cast<size_t>(std::filesystem::file_size(declaration.model(), error));
  out["bytes"] = bytes;
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(declaration.folder / "card.md",
                                            ClassifierCard(declaration, trained, figures, bytes, context)));
  return out;
}

Result<Json> EvaluateClassify(const SpecialistDeclaration& declaration, const SpecialistContext& context,
                              const std::vector<std::string>& data) {
  SOTTO_ASSIGN_OR_RETURN(const ClassifyKeys keys, ReadClassifyKeys(declaration));
  SOTTO_ASSIGN_OR_RETURN(const auto files,
                         DataFiles(declaration, data.empty() ? declaration.valid : data, "valid"));
  SOTTO_ASSIGN_OR_RETURN(const auto rows, ReadAll(files));
  return Measure(declaration, context, rows, keys.training.false_alarms);
}

}  // namespace sotto
