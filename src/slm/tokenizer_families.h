// The three families behind slm/tokenizer.h. Tokenizer::Create calls Configure(), fills the vocabulary, then
// Load().
#pragma once

#include <array>
#include <string>
#include <vector>

#include "slm/pretokenizer.h"
#include "slm/tokenizer.h"

namespace sotto {

// Byte-level BPE: the text is split into words, each byte is a symbol, and the pair of neighbours with the
// lowest rank is merged until none is left. Source: Sennrich et al. 2016; GPT-2.
class BpeTokenizer final : public Tokenizer {
 public:
  Result<void> Configure(const GgufFile& file);
  Result<void> Load(const GgufFile& file);

 protected:
  void EncodeFragment(std::string_view text, bool at_start, const EncodeOptions& options,
                      const Dropout* dropout, std::vector<TokenId>& out) const override;

 private:
  struct Merge {
    uint64_t pair;  // left << 32 | right
    uint32_t rank;
    uint32_t result;  // symbol
  };
  struct Work;

  Result<void> LoadMerges(std::span<const std::string_view> merges);
  void FillBytes();
  const Merge* FindMerge(uint32_t left, uint32_t right) const;
  void AddMerge(uint32_t left, uint32_t right, uint32_t rank, uint32_t result);
  std::optional<TokenId> WholeWord(std::string_view word) const;
  void EncodeWord(std::string_view word, const Dropout* dropout, Work& work, std::vector<TokenId>& out) const;

  Pretokenizer pretokenizer_;
  std::array<uint32_t, 256> byte_symbols_{};
  // Symbols are what merges work on: tokens by their id, from size() on strings that are no token, with the
  // tokens that stand for them.
  std::vector<std::vector<TokenId>> other_symbols_;
  std::vector<Merge> merges_;  // open addressing, a power of two of slots; rank kFree: empty
};

// SentencePiece BPE: spaces become U+2581, the neighbours whose union is the token with the highest score are
// merged, and characters without a token are spelt in byte tokens. Source: Kudo and Richardson 2018.
class SentencePieceTokenizer final : public Tokenizer {
 public:
  Result<void> Configure(const GgufFile& file);
  Result<void> Load(const GgufFile& file);

 protected:
  void EncodeFragment(std::string_view text, bool at_start, const EncodeOptions& options,
                      const Dropout* dropout, std::vector<TokenId>& out) const override;

 private:
  // -1: not a token that text can be merged into.
  TokenId Mergeable(std::string_view text) const;

  std::vector<float> scores_;
  std::array<TokenId, 256> byte_tokens_{};
};

// WordPiece: words are lower-cased, stripped of accents, split at punctuation, and covered by the longest
// tokens from the left. Words that cannot be covered are one unknown token. Source: Devlin et al. 2018
// (BERT).
class WordPieceTokenizer final : public Tokenizer {
 public:
  Result<void> Configure(const GgufFile& file);
  Result<void> Load(const GgufFile& file);

 protected:
  void EncodeFragment(std::string_view text, bool at_start, const EncodeOptions& options,
                      const Dropout* dropout, std::vector<TokenId>& out) const override;

 private:
  void EncodeWord(std::string_view word, std::vector<TokenId>& out) const;

  bool lowercase_ = true;
  bool strip_accents_ = true;
  size_t longest_token_ = 0;
};

}  // namespace sotto
