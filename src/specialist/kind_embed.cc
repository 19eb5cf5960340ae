// Specialists of kind `embed`.
#include "specialist/annotator.h"

namespace sotto {
namespace {

class EmbedAnnotator final : public Annotator {
 public:
  EmbedAnnotator(SpecialistDeclaration declaration, std::shared_ptr<const SentenceEncoder> encoder)
      : Annotator(std::move(declaration)), encoder_(std::move(encoder)) {}

  std::vector<Json> Annotate(std::span<const std::string> texts) const override {
    const std::vector<float> vectors = encoder_->EncodeMany(texts);
    std::vector<Json> out;
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto vector = std::span(vectors).subspan(i * SentenceEncoder::kSize, SentenceEncoder::kSize);
      out.push_back({{"vector", std::vector<float>(vector.begin(), vector.end())}});
    }
    return out;
  }

 private:
  const std::shared_ptr<const SentenceEncoder> encoder_;
};

}  // namespace

Result<std::unique_ptr<Annotator>> OpenEmbed(const SpecialistDeclaration& declaration,
                                             const SpecialistContext& context) {
  SOTTO_RETURN_IF_ERROR(CheckKeys(declaration, {}));
  if (context.encoder == nullptr) {
    return MakeError(ErrorCode::kNotFound,
                     "{}: takes the sentence encoder: scripts/install-models fetches it",
                     declaration.file().string());
  }
  return std::make_unique<EmbedAnnotator>(declaration, context.encoder);
}

}  // namespace sotto
