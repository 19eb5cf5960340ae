// Specialists of kind `summarise`: of free text the sentences that say the most, of a voicemail who, number, wish and when.
#include "base/utf8.h"
#include "specialist/annotator.h"
#include "specialist/extractive.h"
#include "specialist/voicemail.h"

namespace sotto {
namespace {

const std::vector<std::string> kSummaryForms = {"text", "voicemail"};

class SummariseAnnotator final : public Annotator {
 public:
  SummariseAnnotator(SpecialistDeclaration declaration, size_t sentences, bool voicemail,
                     VoicemailOptions options, std::shared_ptr<const Detector> detector)
      : Annotator(std::move(declaration)),
        sentences_(sentences),
        voicemail_(voicemail),
        options_(std::move(options)),
        detector_(std::move(detector)) {}

  std::vector<Json> Annotate(std::span<const std::string> texts) const override {
    std::vector<Json> out;
    for (const std::string& text : texts) out.push_back(AnnotateInContext({text}));
    return out;
  }
  Json AnnotateInContext(const TextInContext& in) const override {
    const std::string text = CleanUtf8(in.text);
    if (voicemail_) {
      return SummariseVoicemail(*detector_, text,
                                in.today.value_or(LocalDate(std::chrono::system_clock::now())), options_);
    }
    Json list = Json::array();
    for (const ExtractedSentence& one : ExtractSentences(text, sentences_))
      list.push_back({{"text", one.text}, {"begin", one.begin}, {"end", one.end}, {"score", one.score}});
    return {{"sentences", std::move(list)}};
  }
  bool reads_context() const override { return voicemail_; }
  Json RuleValue(const Json&) const override { return nullptr; }

 private:
  const size_t sentences_;
  const bool voicemail_;
  const VoicemailOptions options_;
  const std::shared_ptr<const Detector> detector_;
};

}  // namespace

Result<std::unique_ptr<Annotator>> OpenSummarise(const SpecialistDeclaration& declaration,
                                                 const SpecialistContext&) {
  SOTTO_RETURN_IF_ERROR(CheckKeys(declaration, {"form", "sentences", "regions"}));
  YamlReader reader;
  int sentences = 3;
  VoicemailOptions options;
  std::vector<std::string> regions;
  const bool voicemail = reader.ReadOneOf(declaration.root, "", "form", kSummaryForms, 0) == 1;
  reader.Read(declaration.root, "", "sentences", sentences, 1);
  reader.Read(declaration.root, "", "regions", regions);
  if (!regions.empty()) options.regions = std::move(regions);
  SOTTO_RETURN_IF_ERROR(FirstMistake(reader, declaration.file()));
  SOTTO_ASSIGN_OR_RETURN(auto detector, Detector::For("en"));
  return std::make_unique<SummariseAnnotator>(declaration, static_cast<size_t>(sentences), voicemail,
                                              std::move(options), std::move(detector));
}

}  // namespace sotto
