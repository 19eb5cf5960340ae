// The language models that a workflow's sentences make for a speech model: one for open speech and one for each kind
// of answer (ListeningMode), over the speech model's tokens and in its spelling. Built in well under a second;
// immutable, shared by all callers, any thread.
//
//   auto lm = WorkflowLm::Build(text, model->tokenizer(), ...);
//   TokenLmMix now = lm->For(ListeningMode::kDigits, phrases);   // cheap: shares its parts
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "speech/domain_text.h"
#include "speech/token_lm.h"

namespace sotto {

struct WorkflowLmOptions {
  // Share of a kind of answer's own sentences while it is waited for; the rest is open speech.
  float mode_share = 0.9f;
  // Share of any token at all: what nobody wrote down must stay possible.
  float floor = 0.01f;
  // Share of the phrases of one caller.
  float phrase_share = 0.2f;
};

class WorkflowLm {
 public:
  // Tokens of a piece of text that begins with a word; a space is put before it.
  using Encode = std::function<std::vector<TokenId>(std::string_view)>;
  struct Vocabulary {
    Encode encode;
    size_t n_vocab = 0;
    TokenId bos = 1;
    TokenId eos = 2;
  };
  static Vocabulary VocabularyOf(const SpeechModel& model);  // which outlives it

  static std::shared_ptr<const WorkflowLm> Build(const DomainText& text, const Vocabulary& vocabulary,
                                                 WorkflowLmOptions options = {});

  // Names that one caller may say (payees, accounts), alone and in a few usual frames. Null if there are none.
  std::shared_ptr<const TokenLm> Phrases(std::span<const std::string> phrases,
                                         const Vocabulary& vocabulary) const;

  // `phrases` may be null.
  TokenLmMix For(ListeningMode mode, std::shared_ptr<const TokenLm> phrases = nullptr) const;

  size_t size_bytes() const;

 private:
  WorkflowLm() = default;
  WorkflowLmOptions options_;
  size_t n_vocab_ = 0;
  std::map<std::string, std::string, std::less<>> spelling_;
  std::map<ListeningMode, std::shared_ptr<const TokenLm>> parts_;
};

}  // namespace sotto
