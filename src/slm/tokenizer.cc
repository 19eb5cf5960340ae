#include "slm/tokenizer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <functional>

#include "base/check.h"
#include "slm/tokenizer_families.h"

namespace sotto {

struct Tokenizer::Index {
  // Text to id: open addressing over a power of two of slots, at most half of them taken.
  struct Slot {
    uint32_t hash;
    TokenId id;  // -1: free
  };
  std::vector<Slot> slots;
  // Control, user-defined and unknown tokens by their first byte, longest first.
  std::array<std::vector<TokenId>, 256> special;
  std::vector<bool> strip_right;  // by id, empty if no token does: whitespace after it belongs to it
};

namespace {

// Tokens that end a turn or a generation whatever the metadata says, best first. Source: llama.cpp.
constexpr std::string_view kEndOfTurnNames[] = {
    "<|eot_id|>",    "<|im_end|>",         "<|end|>",
    "<end_of_turn>", "<|end_of_text|>",    "<|endoftext|>",
    "<EOT>",         "<end_of_utterance>", "<｜end▁of▁sentence｜>"};
constexpr std::string_view kEndNames[] = {"<|eom_id|>", "</s>",        "<eos>",         "<|return|>",
                                          "[EOS]",      "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"};

// The text of part of a prompt, or one token that was found in it.
struct Fragment {
  size_t begin;
  size_t end;
  TokenId token;  // -1: text
};

// Splits every text fragment at the occurrences of `token_text` for which allowed(begin) holds.
template <typename Allowed>
void SplitAt(std::string_view text, std::string_view token_text, TokenId id, bool strip_right,
             Allowed allowed, std::vector<Fragment>& fragments) {
  std::vector<Fragment> split;
  for (const Fragment& fragment : fragments) {
    if (fragment.token >= 0) {
      split.push_back(fragment);
      continue;
    }
    size_t begin = fragment.begin;
    size_t from = begin;
    while (from < fragment.end) {
      const size_t found = text.substr(0, fragment.end).find(token_text, from);
      if (found == std::string_view::npos) break;
      from = found + 1;
      if (!allowed(found)) continue;
      if (found > begin) split.push_back({begin, found, -1});
      split.push_back({found, found + token_text.size(), id});
      begin = found + token_text.size();
      while (strip_right && begin < fragment.end && std::isspace(static_cast<unsigned char>(text[begin]))) {
        ++begin;
      }
      from = begin;
    }
    if (begin < fragment.end) split.push_back({begin, fragment.end, -1});
  }
  fragments = std::move(split);
}

// What llama.cpp's detokenize does for models with clean_spaces: three passes, each on the result of the
// last.
std::string CleanSpaces(std::string text) {
  const auto pass = [&text](auto drops_space_before, bool apostrophe_alone) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (i > 0 && text[i - 1] == ' ' && drops_space_before(i) && !out.empty()) out.pop_back();
      out += text[i];
      if (apostrophe_alone && i > 0 && text[i - 1] == ' ' && drops_space_before(i)) text[++i] = '\0';
    }
    text = std::move(out);
  };
  const auto at = [&text](size_t i) { return i < text.size() ? text[i] : '\0'; };
  pass([&](size_t i) { return at(i) == '?' || at(i) == '!' || at(i) == '.' || at(i) == ','; }, false);
  pass([&](size_t i) { return at(i) == '\'' && at(i + 1) == ' '; }, true);
  pass(
      [&](size_t i) {
        if (at(i) != '\'') return false;
        const char first = at(i + 1), second = at(i + 2);
        return first == 's' || first == 'm' || ((first == 'r' || first == 'v') && second == 'e');
      },
      false);
  return text;
}

uint32_t HashOf(std::string_view text) {
  const uint64_t hash = std::hash<std::string_view>()(text);
  return static_cast<uint32_t>(hash ^ hash >> 32);
}

bool ContainsIgnoringCase(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), same) != text.end();
}

}  // namespace

// Reads what all families share into a Tokenizer.
class TokenizerBuilder {
 public:
  TokenizerBuilder(Tokenizer& tokenizer, const GgufFile& file) : t_(tokenizer), file_(file) {}

  Result<void> Run() {
    SOTTO_RETURN_IF_ERROR(ReadVocabulary());
    SOTTO_RETURN_IF_ERROR(ReadSpecialIds());
    BuildIndex();
    FindEndTokens();
    CollectSpecialTokens();
    return {};
  }

 private:
  Result<void> ReadVocabulary() {
    SOTTO_ASSIGN_OR_RETURN(const auto texts, file_.GetStringArray("tokenizer.ggml.tokens"));
    if (texts.empty() || texts.size() > (1u << 24)) {
      return MakeError(ErrorCode::kCorrupt, "{}: tokenizer.ggml.tokens has {} tokens", file_.path(),
                       texts.size());
    }
    t_.tokens_.reserve(texts.size());
    for (const std::string_view text : texts) t_.tokens_.emplace_back(text);
    t_.types_.assign(texts.size(), TokenType::kNormal);
    if (!file_.Has("tokenizer.ggml.token_type")) return {};
    SOTTO_ASSIGN_OR_RETURN(const auto types, file_.GetI32Array("tokenizer.ggml.token_type"));
    if (types.size() < texts.size()) {
      return MakeError(ErrorCode::kCorrupt, "{}: tokenizer.ggml.token_type has {} entries for {} tokens",
                       file_.path(), types.size(), texts.size());
    }
    for (size_t i = 0; i < texts.size(); ++i) {
      if (types[i] >= 1 && types[i] <= 6) t_.types_[i] = static_cast<TokenType>(types[i]);
    }
    return {};
  }

  // `required`: an id beyond the vocabulary is an error; otherwise it counts as not given (seen in real
  // files).
  Result<void> ReadId(std::string_view name, bool required, std::optional<TokenId>& id) {
    const std::string key = fmt::format("tokenizer.ggml.{}", name);
    SOTTO_ASSIGN_OR_RETURN(const std::optional<uint32_t> given, file_.GetOptionalU32(key));
    if (given && *given < t_.size()) {
      id = static_cast<TokenId>(*given);
    } else if (given && required) {
      return MakeError(ErrorCode::kCorrupt, "{}: {} is {}, but the vocabulary has {} tokens", file_.path(),
                       key, *given, t_.size());
    } else if (id && static_cast<size_t>(*id) >= t_.size()) {
      id.reset();
    }
    return {};
  }

  Result<void> ReadSpecialIds() {
    if (t_.kind_ == TokenizerKind::kSentencePiece) {
      t_.bos_ = 1;
      t_.eos_ = 2;
      t_.unk_ = 0;
    } else if (t_.kind_ == TokenizerKind::kWordPiece) {
      t_.cls_ = 101;
      t_.sep_ = 102;
      t_.unk_ = 100;
      t_.pad_ = 0;
    }
    SOTTO_RETURN_IF_ERROR(ReadId("bos_token_id", true, t_.bos_));
    SOTTO_RETURN_IF_ERROR(ReadId("eos_token_id", true, t_.eos_));
    SOTTO_RETURN_IF_ERROR(ReadId("eot_token_id", false, t_.eot_));
    SOTTO_RETURN_IF_ERROR(ReadId("eom_token_id", false, eom_));
    SOTTO_RETURN_IF_ERROR(ReadId("unknown_token_id", false, t_.unk_));
    SOTTO_RETURN_IF_ERROR(ReadId("padding_token_id", false, t_.pad_));
    SOTTO_RETURN_IF_ERROR(ReadId("seperator_token_id", false, t_.sep_));  // the format spells it so
    SOTTO_RETURN_IF_ERROR(ReadId("cls_token_id", false, t_.cls_));
    SOTTO_ASSIGN_OR_RETURN(t_.add_bos_, file_.GetBoolOr("tokenizer.ggml.add_bos_token", t_.add_bos_));
    SOTTO_ASSIGN_OR_RETURN(t_.add_eos_, file_.GetBoolOr("tokenizer.ggml.add_eos_token", t_.add_eos_));
    SOTTO_ASSIGN_OR_RETURN(t_.add_space_prefix_,
                           file_.GetBoolOr("tokenizer.ggml.add_space_prefix", t_.add_space_prefix_));
    if (t_.kind_ == TokenizerKind::kWordPiece) {
      if (!t_.bos_) t_.bos_ = t_.cls_;
      if (!t_.eos_) t_.eos_ = t_.sep_;
      t_.add_bos_ = t_.add_eos_ = true;
    }
    if ((t_.add_bos_ && !t_.bos_) || (t_.add_eos_ && !t_.eos_)) {
      return MakeError(ErrorCode::kCorrupt, "{}: the tokenizer adds {}, but no such token is given",
                       file_.path(), t_.add_bos_ && !t_.bos_ ? "BOS" : "EOS");
    }
    return {};
  }

  // Of equal texts the first keeps the name.
  void BuildIndex() {
    t_.index_ = std::make_unique<Tokenizer::Index>();
    auto& slots = t_.index_->slots;
    slots.assign(std::bit_ceil(t_.size() * 2), {0, -1});
    for (size_t id = 0; id < t_.size(); ++id) {
      if (t_.tokens_[id].empty() || t_.Find(t_.tokens_[id])) continue;
      const uint32_t hash = HashOf(t_.tokens_[id]);
      size_t at = hash & (slots.size() - 1);
      while (slots[at].id >= 0) at = (at + 1) & (slots.size() - 1);
      slots[at] = {hash, static_cast<TokenId>(id)};
    }
  }

  // A token of one of the usual names is a control token, whatever its type says.
  void FindEndTokens() {
    const auto add = [&](std::optional<TokenId> id) {
      if (id) t_.end_tokens_.push_back(*id);
    };
    const auto add_named = [&](std::string_view name) {
      const std::optional<TokenId> id = t_.Find(name);
      if (id) t_.types_[static_cast<size_t>(*id)] = TokenType::kControl;
      add(id);
      return id;
    };
    for (const std::string_view name : kEndOfTurnNames) {
      const std::optional<TokenId> id = add_named(name);
      if (!t_.eot_) t_.eot_ = id;
    }
    for (const std::string_view name : kEndNames) add_named(name);
    add(t_.eos_);
    add(t_.eot_);
    add(eom_);
    std::sort(t_.end_tokens_.begin(), t_.end_tokens_.end());
    t_.end_tokens_.erase(std::unique(t_.end_tokens_.begin(), t_.end_tokens_.end()), t_.end_tokens_.end());
  }

  void CollectSpecialTokens() {
    const std::string_view name = file_.GetStringOr("general.name", "").value_or("");
    const bool strips = ContainsIgnoringCase(name, "phi-3") || ContainsIgnoringCase(name, "phi3");
    if (strips) t_.index_->strip_right.assign(t_.size(), false);
    for (size_t id = 0; id < t_.size(); ++id) {
      const TokenType type = t_.types_[id];
      const std::string& text = t_.tokens_[id];
      if (text.empty() ||
          (type != TokenType::kControl && type != TokenType::kUserDefined && type != TokenType::kUnknown)) {
        continue;
      }
      t_.index_->special[static_cast<uint8_t>(text[0])].push_back(static_cast<TokenId>(id));
      if (strips) t_.index_->strip_right[id] = text != "<unk>" && text != "<s>" && text != "<|endoftext|>";
    }
    for (std::vector<TokenId>& tokens : t_.index_->special) {
      std::stable_sort(tokens.begin(), tokens.end(),
                       [&](TokenId a, TokenId b) { return t_.TokenText(a).size() > t_.TokenText(b).size(); });
    }
  }

  Tokenizer& t_;
  const GgufFile& file_;
  std::optional<TokenId> eom_;
};

Tokenizer::~Tokenizer() = default;

Result<std::shared_ptr<const Tokenizer>> Tokenizer::Create(const GgufFile& file) {
  SOTTO_ASSIGN_OR_RETURN(const std::string_view model, file.GetString("tokenizer.ggml.model"));
  SOTTO_ASSIGN_OR_RETURN(const std::string_view pre, file.GetStringOr("tokenizer.ggml.pre", "default"));
  const auto build = [&file](auto tokenizer, TokenizerKind kind,
                             std::string_view pre_name) -> Result<std::shared_ptr<const Tokenizer>> {
    tokenizer->kind_ = kind;
    tokenizer->pre_ = pre_name;
    SOTTO_RETURN_IF_ERROR(tokenizer->Configure(file));
    SOTTO_RETURN_IF_ERROR(TokenizerBuilder(*tokenizer, file).Run());
    SOTTO_RETURN_IF_ERROR(tokenizer->Load(file));
    return std::shared_ptr<const Tokenizer>(std::move(tokenizer));
  };
  if (model == "gpt2") return build(std::make_shared<BpeTokenizer>(), TokenizerKind::kByteBpe, pre);
  if (model == "llama") {
    return build(std::make_shared<SentencePieceTokenizer>(), TokenizerKind::kSentencePiece, pre);
  }
  if (model == "bert") return build(std::make_shared<WordPieceTokenizer>(), TokenizerKind::kWordPiece, pre);
  return MakeError(ErrorCode::kUnsupported,
                   "{}: tokenizer.ggml.model is \"{}\"; supported are gpt2, llama and bert", file.path(),
                   model);
}

std::vector<TokenId> Tokenizer::Encode(std::string_view text, EncodeOptions options) const {
  const Range all{0, options.parse_special ? text.size() : 0};
  return EncodeAll(text, {&all, 1}, options, nullptr);
}

std::vector<TokenId> Tokenizer::EncodeParts(std::span<const TextPart> parts, EncodeOptions options) const {
  std::string text;
  std::vector<Range> special;
  for (const TextPart& part : parts) {
    if (part.special) special.push_back({text.size(), text.size() + part.text.size()});
    text += part.text;
  }
  return EncodeAll(text, special, options, nullptr);
}

std::vector<TokenId> Tokenizer::EncodeWithDropout(std::string_view text, EncodeOptions options,
                                                  double dropout, Random& random) const {
  const Dropout state{dropout, &random};
  const Range all{0, options.parse_special ? text.size() : 0};
  return EncodeAll(text, {&all, 1}, options, &state);
}

std::vector<TokenId> Tokenizer::EncodeAll(std::string_view text, std::span<const Range> special,
                                          const EncodeOptions& options, const Dropout* dropout) const {
  const auto allowed = [&](TokenId id, size_t begin) {
    if (type(id) == TokenType::kUserDefined) return true;
    const auto after = std::upper_bound(special.begin(), special.end(), begin,
                                        [](size_t at, const Range& range) { return at < range.end; });
    return after != special.end() && begin >= after->begin && begin + TokenText(id).size() <= after->end;
  };
  // Which of the special tokens occur at all: mostly none.
  std::vector<TokenId> occurring;
  for (size_t i = 0; i < text.size(); ++i) {
    for (const TokenId id : index_->special[static_cast<uint8_t>(text[i])]) {
      if (text.substr(i).starts_with(TokenText(id)) && allowed(id, i)) occurring.push_back(id);
    }
  }
  // The longest token takes its places first, wherever they are.
  std::sort(occurring.begin(), occurring.end(), [&](TokenId a, TokenId b) {
    const size_t size_a = TokenText(a).size(), size_b = TokenText(b).size();
    return size_a != size_b ? size_a > size_b : a < b;
  });
  occurring.erase(std::unique(occurring.begin(), occurring.end()), occurring.end());
  std::vector<Fragment> fragments;
  if (!text.empty()) fragments.push_back({0, text.size(), -1});
  for (const TokenId id : occurring) {
    const bool strip = !index_->strip_right.empty() && index_->strip_right[static_cast<size_t>(id)];
    SplitAt(
        text, TokenText(id), id, strip, [&](size_t begin) { return allowed(id, begin); }, fragments);
  }

  std::vector<TokenId> out;
  out.reserve(text.size() / 3 + 2);
  if (options.add_special && add_bos_) out.push_back(*bos_);
  bool at_start = !options.continuation;
  for (const Fragment& fragment : fragments) {
    if (fragment.token >= 0) {
      out.push_back(fragment.token);
    } else {
      EncodeFragment(text.substr(fragment.begin, fragment.end - fragment.begin), at_start, options, dropout,
                     out);
    }
    at_start = fragment.token >= 0;
  }
  if (options.add_special && add_eos_) out.push_back(*eos_);
  return out;
}

std::string Tokenizer::Decode(std::span<const TokenId> tokens, DecodeOptions options) const {
  std::string text;
  bool at_start = add_space_prefix_ && !options.continuation;
  for (const TokenId id : tokens) {
    if (id < 0 || static_cast<size_t>(id) >= size()) continue;
    const bool is_special = type(id) == TokenType::kControl || type(id) == TokenType::kUnknown;
    std::string_view piece = TokenBytes(id);
    if (is_special) piece = options.special ? TokenText(id) : std::string_view();
    if (at_start && piece.starts_with(' ')) piece.remove_prefix(1);
    at_start = false;
    text += piece;
  }
  return options.clean_spaces && clean_spaces_ ? CleanSpaces(std::move(text)) : text;
}

std::optional<TokenId> Tokenizer::Find(std::string_view token_text) const {
  const auto& slots = index_->slots;
  const uint32_t hash = HashOf(token_text);
  for (size_t at = hash & (slots.size() - 1); slots[at].id >= 0; at = (at + 1) & (slots.size() - 1)) {
    if (slots[at].hash == hash && TokenText(slots[at].id) == token_text) return slots[at].id;
  }
  return std::nullopt;
}

bool Tokenizer::IsEnd(TokenId id) const {
  return std::binary_search(end_tokens_.begin(), end_tokens_.end(), id);
}

}  // namespace sotto
