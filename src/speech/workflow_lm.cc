#include "speech/workflow_lm.h"

#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "speech/written_text.h"
#include "text/normalise.h"

namespace sotto {
namespace {

// Sentences to tokens; no piece of the vocabulary reaches over a space, so words are encoded once each.
class WordEncoder {
 public:
  explicit WordEncoder(const WorkflowLm::Encode& encode) : encode_(encode) {}

  const std::vector<TokenId>& Encode(std::string_view sentence) {
    tokens_.clear();
    for (const std::string_view word : SplitWords(sentence)) {
      auto it = words_.find(std::string(word));
      if (it == words_.end()) it = words_.emplace(std::string(word), encode_(word)).first;
      tokens_.insert(tokens_.end(), it->second.begin(), it->second.end());
    }
    return tokens_;
  }

 private:
  const WorkflowLm::Encode& encode_;
  std::unordered_map<std::string, std::vector<TokenId>> words_;
  std::vector<TokenId> tokens_;
};

std::shared_ptr<const TokenLm> Count(std::span<const std::string> sentences, const SpellingMap& spelling,
                                     const WorkflowLm::Vocabulary& vocabulary, WordEncoder& encoder) {
  // Many sentences stand there often.
  std::map<std::string_view, float> times;
  for (const std::string& sentence : sentences) times[sentence] += 1;
  TokenLmBuilder builder(vocabulary.n_vocab, vocabulary.bos, vocabulary.eos);
  for (const auto& [sentence, weight] : times) {
    for (const Writing& way : WaysToWrite(sentence, spelling)) {
      builder.Add(encoder.Encode(way.text), weight * way.weight);
    }
  }
  return builder.empty() ? nullptr : builder.Build();
}

}  // namespace

std::shared_ptr<const WorkflowLm> WorkflowLm::Build(const DomainText& text, const Vocabulary& vocabulary,
                                                    WorkflowLmOptions options) {
  std::shared_ptr<WorkflowLm> lm(new WorkflowLm);
  lm->options_ = options;
  lm->n_vocab_ = vocabulary.n_vocab;
  lm->spelling_ = text.spelling;
  WordEncoder encoder(vocabulary.encode);
  for (const ListeningMode mode : kListeningModes) {
    lm->parts_[mode] = Count(text.For(mode), lm->spelling_, vocabulary, encoder);
  }
  return lm;
}

std::shared_ptr<const TokenLm> WorkflowLm::Phrases(std::span<const std::string> phrases,
                                                   const Vocabulary& vocabulary) const {
  static constexpr const char* kFrames[] = {"", "to ", "from ", "pay ", "my ", "for ", "it's "};
  SpellingMap spelling = spelling_;
  std::vector<std::string> sentences;
  for (const std::string& phrase : phrases) {
    for (const std::string_view word : SplitWords(phrase)) {
      const std::string said = SaidWords(word);
      if (said.find(' ') == std::string::npos && said != word) spelling.try_emplace(said, word);
    }
    const std::string said = SaidWords(phrase);
    if (said.empty()) continue;
    for (const char* frame : kFrames) sentences.push_back(frame + said);
  }
  WordEncoder encoder(vocabulary.encode);
  return Count(sentences, spelling, vocabulary, encoder);
}

TokenLmMix WorkflowLm::For(ListeningMode mode, std::shared_ptr<const TokenLm> phrases) const {
  TokenLmMix mix(n_vocab_, options_.floor);
  const std::shared_ptr<const TokenLm>& own = parts_.at(mode);
  const float of_phrases = phrases == nullptr ? 0 : options_.phrase_share;
  const float of_mode = mode == ListeningMode::kOpen || own == nullptr ? 0 : options_.mode_share;
  mix.Add(phrases, of_phrases);
  mix.Add(own, (1 - of_phrases) * of_mode);
  mix.Add(parts_.at(ListeningMode::kOpen), (1 - of_phrases) * (1 - of_mode));
  return mix;
}

size_t WorkflowLm::size_bytes() const {
  size_t bytes = 0;
  for (const auto& [mode, part] : parts_) bytes += part == nullptr ? 0 : part->size_bytes();
  return bytes;
}

}  // namespace sotto
