#include "brain/specialist_prompt.h"

#include "brain/call_text.h"
#include "text/normalise.h"

namespace sotto {
namespace {

// [<|state|> TAG] <|user|> TEXT <|call|> JSON... <|end|>
class SpecialistPrompt final : public PromptForm {
 public:
  struct Special {
    TokenId bos, user, state, call, end;
  };

  SpecialistPrompt(std::shared_ptr<const Model> model, Special special)
      : model_(std::move(model)), special_(special) {
    frame_.end_token = special.end;
  }

  std::vector<TokenId> Prefix(std::span<const ToolSpec>) const override { return {special_.bos}; }

  std::vector<TokenId> PastTurn(const Turn& turn, std::span<const OfferedTool> tools) const override {
    std::vector<TokenId> tokens = Opening(turn.expectation);
    Append(tokens, Utterance(turn.user, NormaliseSpoken(turn.user)));
    tokens.push_back(special_.call);
    Append(tokens, model_->tokenizer().Encode(CallsText(turn.calls, tools)));
    tokens.push_back(special_.end);
    return tokens;
  }

  std::vector<TokenId> Opening(const Expectation& expectation) const override {
    std::vector<TokenId> tokens;
    const std::string tag = ExpectationText(expectation);
    if (!tag.empty()) {
      tokens.push_back(special_.state);
      Append(tokens, model_->tokenizer().Encode(tag));
    }
    tokens.push_back(special_.user);
    return tokens;
  }

  std::vector<TokenId> Utterance(std::string_view, std::string_view normalised) const override {
    return model_->tokenizer().Encode(normalised);
  }

  std::vector<TokenId> Close() const override { return {special_.call}; }
  const CallFrame& frame() const override { return frame_; }

 private:
  static void Append(std::vector<TokenId>& tokens, const std::vector<TokenId>& more) {
    tokens.insert(tokens.end(), more.begin(), more.end());
  }

  const std::shared_ptr<const Model> model_;
  const Special special_;
  CallFrame frame_;
};

}  // namespace

bool IsSpecialist(const Model& model) {
  return model.tokenizer().Find(specialist::kUser) && model.tokenizer().Find(specialist::kCall);
}

Result<std::unique_ptr<const PromptForm>> MakeSpecialistPrompt(std::shared_ptr<const Model> model) {
  const Tokenizer& tokenizer = model->tokenizer();
  const auto find = [&](std::string_view text) -> Result<TokenId> {
    if (const auto id = tokenizer.Find(text)) return *id;
    return MakeError(ErrorCode::kUnsupported, "{}: the vocabulary lacks {}", model->path(), text);
  };
  SpecialistPrompt::Special special{};
  SOTTO_ASSIGN_OR_RETURN(special.bos, find(specialist::kBos));
  SOTTO_ASSIGN_OR_RETURN(special.user, find(specialist::kUser));
  SOTTO_ASSIGN_OR_RETURN(special.state, find(specialist::kState));
  SOTTO_ASSIGN_OR_RETURN(special.call, find(specialist::kCall));
  SOTTO_ASSIGN_OR_RETURN(special.end, find(specialist::kEnd));
  return std::make_unique<SpecialistPrompt>(std::move(model), special);
}

}  // namespace sotto
