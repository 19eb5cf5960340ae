// Text to token ids and back, as the model's file says: one immutable Tokenizer a model.
//
// Families: byte-level BPE (`tokenizer.ggml.model` = "gpt2", with the pre-tokenizer that `tokenizer.ggml.pre`
// names), SentencePiece BPE with byte fallback ("llama": Llama 2, Mistral, Gemma, Phi-3) and WordPiece
// ("bert"). Ids are exactly those of llama.cpp for the same file.
//
// Special tokens (control, e.g. <|im_end|>) are matched in the text only where EncodeOptions::parse_special
// asks for it, so that what a user says can never become one. User-defined tokens (type 4) are matched
// always, longest first.
//
// Immutable after construction, any thread. Everything returned by view lives as long as the Tokenizer; the
// GgufFile is not needed any more.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "slm/gguf.h"

namespace sotto {

using TokenId = int32_t;

// The numbers are the format's (`tokenizer.ggml.token_type`).
enum class TokenType : int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

enum class TokenizerKind { kByteBpe, kSentencePiece, kWordPiece };

struct EncodeOptions {
  bool parse_special = false;  // match control tokens in the text
  bool add_special = false;    // BOS/CLS and EOS/SEP where the model wants them
  // As the reference does, byte-level BPE reads U+FFFD for what is not UTF-8, and in SentencePiece a broken
  // sequence takes bytes of what follows. Set: Decode(Encode(text)) == text for any bytes (WordPiece
  // excepted).
  bool keep_invalid_utf8 = false;
  // The text goes on where another stopped: SentencePiece puts no space before it.
  bool continuation = false;
};

// A piece of a prompt: the template's own text may hold control tokens, what people said may not.
struct TextPart {
  std::string text;
  bool special = false;
};

struct DecodeOptions {
  bool special = false;  // write control tokens as their text instead of leaving them out
  // The tokens continue a text: SentencePiece keeps the space that begins the first one.
  bool continuation = false;
  // What the reference's detokenize does after joining: takes out the spaces before ?!., and around
  // apostrophes for the models whose pre-tokenizer asks for it (WordPiece, gpt-2). Not invertible.
  bool clean_spaces = false;
};

class Tokenizer {
 public:
  virtual ~Tokenizer();

  // Errors name the metadata key, or list the supported models and pre-tokenizers.
  static Result<std::shared_ptr<const Tokenizer>> Create(const GgufFile& file);

  std::vector<TokenId> Encode(std::string_view text, EncodeOptions options = {}) const;
  // The parts as one text, control tokens matched in the special ones only (options.parse_special is not
  // looked at).
  std::vector<TokenId> EncodeParts(std::span<const TextPart> parts, EncodeOptions options = {}) const;
  // BPE dropout for training (Provilkov et al. 2020): every merge is left out with this probability each time
  // it comes up. User-defined and special tokens are still whole. WordPiece ignores it.
  std::vector<TokenId> EncodeWithDropout(std::string_view text, EncodeOptions options, double dropout,
                                         Random& random) const;

  // Ids out of range are left out.
  std::string Decode(std::span<const TokenId> tokens, DecodeOptions options = {}) const;

  size_t size() const { return tokens_.size(); }
  TokenizerKind kind() const { return kind_; }
  // `tokenizer.ggml.pre`.
  const std::string& pre() const { return pre_; }

  // As it stands in the vocabulary ("Ġthe", "▁the", "<0x0A>"). REQUIRES: id < size().
  std::string_view TokenText(TokenId id) const { return tokens_[static_cast<size_t>(id)]; }
  // The bytes that the token adds to a text (" the", "\n"): empty for control, unknown and unused tokens. A
  // WordPiece that begins a word begins with a space. REQUIRES: id < size().
  std::string_view TokenBytes(TokenId id) const { return bytes_[static_cast<size_t>(id)]; }
  // REQUIRES: id < size().
  TokenType type(TokenId id) const { return types_[static_cast<size_t>(id)]; }
  // By its text in the vocabulary.
  std::optional<TokenId> Find(std::string_view token_text) const;

  std::optional<TokenId> bos() const { return bos_; }
  std::optional<TokenId> eos() const { return eos_; }
  // End of a turn; where the file does not say, the token of one of the usual names (<|im_end|>, <|eot_id|>,
  // ...).
  std::optional<TokenId> eot() const { return eot_; }
  std::optional<TokenId> unk() const { return unk_; }
  std::optional<TokenId> pad() const { return pad_; }
  std::optional<TokenId> sep() const { return sep_; }
  std::optional<TokenId> cls() const { return cls_; }
  bool add_bos() const { return add_bos_; }
  bool add_eos() const { return add_eos_; }
  // Every token that ends a generation (EOS, EOT, EOM and the usual names), ascending.
  std::span<const TokenId> end_tokens() const { return end_tokens_; }
  bool IsEnd(TokenId id) const;

 protected:
  Tokenizer() = default;

  struct Dropout {
    double probability;
    Random* random;
  };

  // Appends the ids of `text`, which has no special tokens. `at_start`: nothing, or a special token, stands
  // before it (SentencePiece adds its space there). `dropout` may be null.
  virtual void EncodeFragment(std::string_view text, bool at_start, const EncodeOptions& options,
                              const Dropout* dropout, std::vector<TokenId>& out) const = 0;

  // Filled by Create() before the family's own tables.
  TokenizerKind kind_ = TokenizerKind::kByteBpe;
  std::string pre_;
  std::vector<std::string> tokens_;
  std::vector<std::string> bytes_;
  std::vector<TokenType> types_;
  std::optional<TokenId> bos_, eos_, eot_, unk_, pad_, sep_, cls_;
  bool add_bos_ = false;
  bool add_eos_ = false;
  bool add_space_prefix_ = false;
  bool clean_spaces_ = false;

 private:
  friend class TokenizerBuilder;
  struct Index;  // text to id, and the special tokens by their first byte

  // Control tokens are matched within `special` only: ascending, disjoint.
  struct Range {
    size_t begin;
    size_t end;
  };
  std::vector<TokenId> EncodeAll(std::string_view text, std::span<const Range> special,
                                 const EncodeOptions& options, const Dropout* dropout) const;

  std::unique_ptr<Index> index_;
  std::vector<TokenId> end_tokens_;
};

}  // namespace sotto
