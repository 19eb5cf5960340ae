// Specialists of kind `language`: cld2 (text/language.h) behind the common interface.
#include <algorithm>

#include "specialist/annotator.h"
#include "specialist/labelled_text.h"
#include "text/language.h"

namespace sotto {
namespace {

class LanguageAnnotator final : public Annotator {
 public:
  LanguageAnnotator(SpecialistDeclaration declaration, std::vector<std::string> languages)
      : Annotator(std::move(declaration)), languages_(std::move(languages)) {}

  std::vector<Json> Annotate(std::span<const std::string> texts) const override {
    std::vector<Json> out;
    for (const std::string& text : texts) {
      const Language language = DetectLanguage(text);
      const bool wanted =
          languages_.empty() || std::ranges::find(languages_, language.code) != languages_.end();
      const bool known = language.code != "un" && wanted;
      // cld2 gives shares of the text, not probabilities; what it does not call reliable counts half.
      const double confidence = known ? language.percent / (language.reliable ? 100.0 : 200.0) : 0;
      const bool sure = known && confidence >= declaration().threshold;
      out.push_back({{"label", known ? Json(language.code) : Json(nullptr)},
                     {"confidence", confidence},
                     {"decision", sure ? "accept" : BelowName(declaration().below)}});
    }
    return out;
  }
  std::vector<std::string> labels() const override { return languages_; }

 private:
  const std::vector<std::string> languages_;
};

}  // namespace

Result<std::unique_ptr<Annotator>> OpenLanguage(const SpecialistDeclaration& declaration,
                                                const SpecialistContext&) {
  SOTTO_RETURN_IF_ERROR(CheckKeys(declaration, {"languages"}));
  YamlReader reader;
  std::vector<std::string> languages;
  reader.Read(declaration.root, "", "languages", languages);
  SOTTO_RETURN_IF_ERROR(FirstMistake(reader, declaration.file()));
  return std::make_unique<LanguageAnnotator>(declaration, std::move(languages));
}

Result<Json> EvaluateLanguage(const SpecialistDeclaration& declaration, const SpecialistContext& context,
                              const std::vector<std::string>& data) {
  SOTTO_ASSIGN_OR_RETURN(const auto annotator, OpenLanguage(declaration, context));
  SOTTO_ASSIGN_OR_RETURN(const auto files,
                         DataFiles(declaration, data.empty() ? declaration.valid : data, "valid"));
  size_t rows = 0, right = 0;
  for (const auto& file : files) {
    SOTTO_ASSIGN_OR_RETURN(const auto labelled, ReadLabelledTexts(file));
    for (const LabelledText& row : labelled) {
      const Json got = annotator->Annotate({&row.text, 1})[0];
      ++rows;
      right += got["label"] == (row.label.empty() ? Json(nullptr) : Json(row.label));
    }
  }
  return Json{{"rows", rows}, {"accuracy", static_cast<double>(right) / static_cast<double>(rows)}};
}

}  // namespace sotto
