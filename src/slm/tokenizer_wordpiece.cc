#include <algorithm>

#include "slm/tokenizer_families.h"
#include "slm/unicode.h"

namespace sotto {
namespace {

constexpr std::string_view kWordStart = "\xE2\x96\x81";  // U+2581

// The ranges that BERT's own tokenizer treats as Chinese: every sign is a word.
bool IsChinese(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

}  // namespace

Result<void> WordPieceTokenizer::Configure(const GgufFile& file) {
  add_space_prefix_ = false;
  clean_spaces_ = true;
  SOTTO_ASSIGN_OR_RETURN(lowercase_, file.GetBoolOr("tokenizer.ggml.normalizer.lowercase", true));
  SOTTO_ASSIGN_OR_RETURN(strip_accents_,
                         file.GetBoolOr("tokenizer.ggml.normalizer.strip_accents", lowercase_));
  return {};
}

Result<void> WordPieceTokenizer::Load(const GgufFile& file) {
  if (!unk_ || !bos_ || !eos_) {
    return MakeError(ErrorCode::kCorrupt, "{}: the tokenizer needs tokens for unknown, CLS and SEP",
                     file.path());
  }
  bytes_.resize(size());
  for (size_t id = 0; id < size(); ++id) {
    const std::string& text = tokens_[id];
    longest_token_ = std::max(longest_token_, text.size());
    if (types_[id] == TokenType::kNormal) {
      bytes_[id] = text.starts_with(kWordStart) ? " " + text.substr(kWordStart.size()) : text;
    } else if (types_[id] == TokenType::kUserDefined) {
      bytes_[id] = text;
    }
  }
  return {};
}

void WordPieceTokenizer::EncodeFragment(std::string_view text, bool /*at_start*/,
                                        const EncodeOptions& /*options*/, const Dropout* /*dropout*/,
                                        std::vector<TokenId>& out) const {
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) EncodeWord(word, out);
    word.clear();
  };
  for (size_t i = 0; i < text.size();) {
    const DecodedCodePoint decoded = DecodeUtf8(text, i);
    i += decoded.size_bytes;
    const uint32_t c = strip_accents_ ? BaseOf(decoded.code_point) : decoded.code_point;
    const uint16_t bits = BitsOf(c);
    if ((bits & kWhitespace) != 0) {
      finish();
      continue;
    }
    if (c == 0 || c == 0xFFFD || (bits & kControlChar) != 0 || (strip_accents_ && (bits & kMark) != 0))
      continue;
    const bool alone = (bits & kPunctuation) != 0 || (c < 0x7F && (bits & kSymbol) != 0) || IsChinese(c);
    if (alone) finish();
    AppendUtf8(word, lowercase_ ? ToLower(c) : c);
    if (alone) finish();
  }
  finish();
}

void WordPieceTokenizer::EncodeWord(std::string_view word, std::vector<TokenId>& out) const {
  const std::string marked = std::string(kWordStart).append(word);
  const std::string_view text = marked;
  const size_t before = out.size();
  for (size_t begin = 0; begin < text.size();) {
    size_t size = std::min(text.size() - begin, longest_token_ + 1);
    std::optional<TokenId> id;
    while (size > 0 && !(id = Find(text.substr(begin, size)))) --size;
    if (size == 0) {
      out.resize(before);
      break;
    }
    out.push_back(*id);
    begin += size;
  }
  if (out.size() == before) out.push_back(*unk_);
}

}  // namespace sotto
