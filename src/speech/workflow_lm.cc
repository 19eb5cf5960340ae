#include "speech/workflow_lm.h"

#include <algorithm>
#include <cctype>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "speech/frequent_words.h"
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

// The token that `mark` behind a word is, or -1: it is none of its own.
TokenId MarkOf(const WorkflowLm::Vocabulary& vocabulary, const std::string& mark) {
  const std::vector<TokenId> plain = vocabulary.encode("no");
  const std::vector<TokenId> with = vocabulary.encode("no" + mark);
  return with.size() == plain.size() + 1 && std::equal(plain.begin(), plain.end(), with.begin()) ? with.back()
                                                                                                 : -1;
}

// The words of everyday speech as tokens, also with capital letters, a tenth as often; the end and its marks as often
// as sentences of some eight words have them.
std::shared_ptr<const TokenShares> GeneralShares(const WorkflowLm::Vocabulary& vocabulary,
                                                 WordEncoder& encoder) {
  auto shares = std::make_shared<TokenShares>(vocabulary.n_vocab, 0.0f);
  double total = 0;
  const auto add = [&](std::string_view text, float count) {
    for (const TokenId token : encoder.Encode(text)) {
      if (token < 0 || static_cast<size_t>(token) >= shares->size()) continue;
      (*shares)[static_cast<size_t>(token)] += count;
      total += static_cast<double>(count);
    }
  };
  double words = 0;
  for (const FrequentWord& frequent : FrequentWords()) {
    std::string word(frequent.word);
    words += static_cast<double>(frequent.count);
    add(word, 0.9f * frequent.count);
    word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
    add(word, 0.1f * frequent.count);
  }
  const auto ends = static_cast<float>(words / 8);
  for (const auto& [mark, share] : {std::pair(".", 0.7f), std::pair("?", 0.3f)}) {
    const TokenId token = MarkOf(vocabulary, mark);
    if (token < 0 || static_cast<size_t>(token) >= shares->size()) continue;
    (*shares)[static_cast<size_t>(token)] += ends * share;
    total += static_cast<double>(ends * share);
  }
  (*shares)[static_cast<size_t>(vocabulary.eos)] += ends;
  total += static_cast<double>(ends);
  for (float& share : *shares) share = static_cast<float>(static_cast<double>(share) / total);
  return shares;
}

}  // namespace

std::shared_ptr<const WorkflowLm> WorkflowLm::Build(const DomainText& text, const Vocabulary& vocabulary,
                                                    WorkflowLmOptions options) {
  std::shared_ptr<WorkflowLm> lm(new WorkflowLm);
  lm->options_ = options;
  lm->n_vocab_ = vocabulary.n_vocab;
  lm->spelling_ = text.spelling;
  lm->comma_ = MarkOf(vocabulary, ",");
  for (const char digit : std::string_view("0123456789")) {
    if (const auto tokens = vocabulary.encode(std::string(1, digit)); !tokens.empty())
      lm->numerals_.push_back(tokens.back());
  }
  for (const char* mark : {".", "?"}) {
    if (const TokenId token = MarkOf(vocabulary, mark); token >= 0) lm->end_marks_.push_back(token);
  }
  WordEncoder encoder(vocabulary.encode);
  for (const ListeningMode mode : kListeningModes) {
    lm->parts_[mode] = Count(text.For(mode), lm->spelling_, vocabulary, encoder);
  }
  lm->general_ = GeneralShares(vocabulary, encoder);
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
  mix.SetGeneral(general_, options_.general_share);
  if (comma_ >= 0) mix.SetFree(comma_, options_.comma, numerals_);
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
