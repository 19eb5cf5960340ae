#include "slm/pretokenizer.h"

#include <algorithm>
#include <cstdint>

#include "slm/unicode.h"

namespace sotto {
namespace {

struct Named {
  std::string_view name;
  Pretokenizer value;
};

constexpr Pretokenizer kGpt2{PretokenizerKind::kGpt2, false, false, true};
constexpr Pretokenizer kDigits{PretokenizerKind::kDigitsGpt2, false, false, true};
constexpr Pretokenizer kDigitsKeepSpaces{PretokenizerKind::kDigitsGpt2, false, false, false};
constexpr Pretokenizer kLlama3{PretokenizerKind::kLlama3, true, true, true};
constexpr Pretokenizer kLlama3Merging{PretokenizerKind::kLlama3, false, false, true};
constexpr Pretokenizer kQwen2{PretokenizerKind::kQwen2, false, false, false};

constexpr Named kNames[] = {
    {"default", {PretokenizerKind::kDefault, false, false, true}},
    {"gpt-2", kGpt2},
    {"gpt2", kGpt2},
    {"phi-2", kGpt2},
    {"mpt", kGpt2},
    {"olmo", kGpt2},
    {"jina-v2-en", kGpt2},
    {"exaone4", kGpt2},
    {"granite-docling", {PretokenizerKind::kGpt2, false, false, false}},
    {"refact", kDigits},
    {"granite", kDigits},
    {"starcoder", kDigits},
    {"codeshell", kDigits},
    {"exaone", kDigits},
    {"minerva-7b", kDigits},
    {"smollm", kDigitsKeepSpaces},
    {"command-r", kDigitsKeepSpaces},
    {"llama-bpe", kLlama3},
    {"llama3", kLlama3},
    {"llama-v3", kLlama3},
    {"falcon3", kLlama3},
    {"pixtral", kLlama3},
    {"lfm2", kLlama3},
    {"dbrx", kLlama3Merging},
    {"smaug-bpe", kLlama3Merging},
    {"glm4", kLlama3Merging},
    {"chatglm-bpe", kLlama3Merging},
    {"qwen2", kQwen2},
    {"deepseek-r1-qwen", kQwen2},
    {"hunyuan", kQwen2},
    {"megrez", kQwen2},
    {"stablelm2", {PretokenizerKind::kQwen2, false, false, true}},
    {"qwen35", {PretokenizerKind::kQwen35, false, false, false}},
    {"tekken", {PretokenizerKind::kTekken, true, true, false}},
    {"gpt-4o", {PretokenizerKind::kGpt4o, false, false, false}},
    {"llama4", {PretokenizerKind::kGpt4o, false, false, false}},
    {"falcon", {PretokenizerKind::kFalcon, false, false, true}},
};

constexpr uint16_t kUpperClass = kLetterUpper | kLetterOther | kMark;
constexpr uint16_t kLowerClass = kLetterLower | kLetterOther | kMark;

// The code points of one text, and the words found so far. Positions are code point indices; what lies
// outside of the part being scanned has the bits 0 and code point kNone.
class Scanner {
 public:
  explicit Scanner(std::string_view text) {
    code_points_.reserve(text.size());
    for (size_t offset = 0; offset < text.size();) {
      const DecodedCodePoint decoded = DecodeUtf8(text, offset);
      offset += decoded.size_bytes;
      code_points_.push_back({decoded.code_point, BitsOf(decoded.code_point), offset});
    }
  }

  // Splits every word so far by `next`: it gives the end of the word that begins at a position.
  template <typename Next>
  void Pass(Next next) {
    const std::vector<size_t> parts = std::move(words_);
    words_.clear();
    size_t begin = 0;
    for (size_t i = 0; i <= parts.size(); ++i) {
      end_ = i < parts.size() ? parts[i] : code_points_.size();
      while (begin < end_) {
        begin = next(begin);
        words_.push_back(begin);
      }
    }
  }

  void WordEnds(std::vector<size_t>& out) const {
    for (const size_t word : words_) out.push_back(code_points_[word - 1].end);
  }

  // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  size_t NextGpt2(size_t at) const {
    if (const size_t end = Contraction(at, false)) return end;
    const size_t first = At(at) == ' ' && at + 1 < end_ ? at + 1 : at;
    for (const uint16_t kind : {uint16_t{kLetter}, uint16_t{kNumber}}) {
      if (Has(first, kind)) return RunOf(first, kind);
    }
    if (IsOther(first)) return RunOfOther(first);
    return Spaces(at);
  }

  // (?i:contraction)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,max}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
  // `marks`: \p{M} counts as a letter after the first sign (qwen35).
  size_t NextLlama3(size_t at, size_t max_digits, bool marks) const {
    if (const size_t end = Contraction(at, true)) return end;
    const uint16_t letters = static_cast<uint16_t>(marks ? kLetter | kMark : kLetter);
    if (IsWordPrefix(at) && Has(at + 1, letters)) return RunOf(at + 1, letters);
    if (Has(at, letters)) return RunOf(at, letters);
    if (Has(at, kNumber)) return Digits(at, max_digits);
    if (const size_t end = Signs(at, marks, false)) return end;
    return SpacesAndNewlines(at);
  }

  // [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+
  // |[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*
  // |\p{N}{1,max}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
  // `contractions`: either word may end in (?i:'s|...).
  size_t NextTekken(size_t at, size_t max_digits, bool contractions) const {
    if (const size_t end = CasedWord(at)) {
      const size_t longer = contractions ? Contraction(end, true) : 0;
      return longer != 0 ? longer : end;
    }
    if (Has(at, kNumber)) return Digits(at, max_digits);
    if (const size_t end = Signs(at, false, true)) return end;
    return SpacesAndNewlines(at);
  }

  // Each match of `matches` in groups of `group` (0: any number), and what lies between them.
  template <typename Matches>
  size_t NextGroup(size_t at, size_t group, bool exact, Matches matches) const {
    const auto match_at = [&](size_t begin) {
      size_t end = begin;
      while (end < end_ && (group == 0 || end - begin < group) && matches(code_points_[end])) ++end;
      return exact && end - begin < group ? begin : end;
    };
    if (const size_t end = match_at(at); end > at) return end;
    size_t end = at + 1;
    while (end < end_ && match_at(end) == end) ++end;
    return end;
  }

  struct CodePoint {
    uint32_t code_point;
    uint16_t bits;
    size_t end;  // byte offset behind it
  };

 private:
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  uint32_t At(size_t i) const { return i < end_ ? code_points_[i].code_point : kNone; }
  bool Has(size_t i, uint16_t bits) const { return i < end_ && (code_points_[i].bits & bits) != 0; }
  bool IsNewline(size_t i) const { return At(i) == '\r' || At(i) == '\n'; }
  // [^\s\p{L}\p{N}]
  bool IsOther(size_t i) const {
    return i < end_ && (code_points_[i].bits & (kWhitespace | kLetter | kNumber)) == 0;
  }
  // [^\r\n\p{L}\p{N}]
  bool IsWordPrefix(size_t i) const { return i < end_ && !IsNewline(i) && !Has(i, kLetter | kNumber); }

  size_t RunOf(size_t i, uint16_t bits) const {
    while (Has(i, bits)) ++i;
    return i;
  }
  size_t RunOfOther(size_t i) const {
    while (IsOther(i)) ++i;
    return i;
  }

  // The end of a contraction at `at`, 0 if there is none.
  size_t Contraction(size_t at, bool any_case) const {
    if (At(at) != '\'') return 0;
    const auto letter = [&](size_t i) { return any_case && At(i) != kNone ? ToLower(At(i)) : At(i); };
    const uint32_t first = letter(at + 1);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
    const uint32_t second = letter(at + 2);
    const bool two =
        (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
    return two ? at + 3 : 0;
  }

  size_t Digits(size_t at, size_t max_digits) const {
    size_t end = at;
    while (end - at < max_digits && Has(end, kNumber)) ++end;
    return end;
  }

  //  ?[^\s\p{L}\p{N}]+[\r\n]*, with `slash` [\r\n/]*, with `no_marks` [^\s\p{L}\p{M}\p{N}]+.
  size_t Signs(size_t at, bool no_marks, bool slash) const {
    const auto is_sign = [&](size_t i) { return IsOther(i) && !(no_marks && Has(i, kMark)); };
    size_t end = At(at) == ' ' ? at + 1 : at;
    if (!is_sign(end)) return 0;
    while (is_sign(end)) ++end;
    while (IsNewline(end) || (slash && At(end) == '/')) ++end;
    return end;
  }

  // \s+(?!\S)|\s+, or one code point that nothing else took.
  size_t Spaces(size_t at) const {
    const size_t end = RunOf(at, kWhitespace);
    if (end == at) return at + 1;
    return end < end_ && end - at > 1 ? end - 1 : end;
  }

  // \s*[\r\n]+|\s+(?!\S)|\s+
  size_t SpacesAndNewlines(size_t at) const {
    size_t after_newline = 0;
    for (size_t i = at; Has(i, kWhitespace); ++i) {
      if (IsNewline(i)) after_newline = i + 1;
    }
    return after_newline != 0 ? after_newline : Spaces(at);
  }

  // Upper* Lower+ at `at`, 0 if there is none.
  size_t UpperLower(size_t at) const {
    const size_t upper_end = RunOf(at, kUpperClass);
    const size_t end = RunOf(upper_end, kLowerClass);
    if (end > upper_end) return end;
    // Give back: the last of the upper run that is also of the lower class.
    for (size_t i = upper_end; i > at; --i) {
      if (Has(i - 1, kLowerClass)) return i;
    }
    return 0;
  }

  // Upper+ Lower* at `at`, 0 if there is none.
  size_t UpperThenLower(size_t at) const {
    const size_t upper_end = RunOf(at, kUpperClass);
    return upper_end == at ? 0 : RunOf(upper_end, kLowerClass);
  }

  size_t CasedWord(size_t at) const {
    const bool prefix = IsWordPrefix(at);
    if (const size_t end = prefix ? UpperLower(at + 1) : 0) return end;
    if (const size_t end = UpperLower(at)) return end;
    if (const size_t end = prefix ? UpperThenLower(at + 1) : 0) return end;
    return UpperThenLower(at);
  }

  std::vector<CodePoint> code_points_;
  std::vector<size_t> words_;
  size_t end_ = 0;  // of the part being scanned
};

bool IsAsciiDigit(const Scanner::CodePoint& c) { return c.code_point >= '0' && c.code_point <= '9'; }
bool IsNumber(const Scanner::CodePoint& c) { return (c.bits & kNumber) != 0; }
// [\p{P}\$\+<=>\^~\|]
bool IsPunctuation(const Scanner::CodePoint& c) {
  constexpr std::string_view kAlso = "$+<=>^~|";
  return (c.bits & kPunctuation) != 0 ||
         (c.code_point < 128 && kAlso.find(static_cast<char>(c.code_point)) != std::string_view::npos);
}
bool IsFalconPunctuation(const Scanner::CodePoint& c) { return IsPunctuation(c) || c.code_point == '`'; }

}  // namespace

std::optional<Pretokenizer> FindPretokenizer(std::string_view name) {
  for (const Named& named : kNames) {
    if (named.name == name) return named.value;
  }
  return std::nullopt;
}

std::string PretokenizerNames() {
  std::string names;
  for (const Named& named : kNames) {
    if (!names.empty()) names += ", ";
    names += named.name;
  }
  return names;
}

void SplitWords(PretokenizerKind kind, std::string_view text, std::vector<size_t>& word_ends) {
  Scanner scanner(text);
  const auto gpt2 = [&](size_t at) { return scanner.NextGpt2(at); };
  const auto three_digits = [&](size_t at) { return scanner.NextGroup(at, 3, true, IsAsciiDigit); };
  switch (kind) {
    case PretokenizerKind::kGpt2:
      scanner.Pass(gpt2);
      break;
    case PretokenizerKind::kDigitsGpt2:
      scanner.Pass([&](size_t at) { return scanner.NextGroup(at, 1, true, IsNumber); });
      scanner.Pass(gpt2);
      break;
    case PretokenizerKind::kLlama3:
      scanner.Pass([&](size_t at) { return scanner.NextLlama3(at, 3, false); });
      break;
    case PretokenizerKind::kQwen2:
      scanner.Pass([&](size_t at) { return scanner.NextLlama3(at, 1, false); });
      break;
    case PretokenizerKind::kQwen35:
      scanner.Pass([&](size_t at) { return scanner.NextLlama3(at, 1, true); });
      break;
    case PretokenizerKind::kTekken:
      scanner.Pass([&](size_t at) { return scanner.NextTekken(at, 1, false); });
      break;
    case PretokenizerKind::kGpt4o:
      scanner.Pass([&](size_t at) { return scanner.NextTekken(at, 3, true); });
      break;
    case PretokenizerKind::kFalcon:
      scanner.Pass([&](size_t at) { return scanner.NextGroup(at, 0, false, IsFalconPunctuation); });
      scanner.Pass(gpt2);
      scanner.Pass(three_digits);
      break;
    case PretokenizerKind::kDefault:
      scanner.Pass([&](size_t at) { return scanner.NextGroup(at, 0, false, IsPunctuation); });
      scanner.Pass(gpt2);
      scanner.Pass([&](size_t at) { return scanner.NextGroup(at, 0, false, IsNumber); });
      scanner.Pass(three_digits);
      break;
  }
  scanner.WordEnds(word_ends);
}

}  // namespace sotto
