#include "text/normalise.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sotto {
namespace {

constexpr char32_t kInvalid = 0xFFFFFFFF;

struct CodePoint {
  char32_t value = kInvalid;  // kInvalid: one byte that is not UTF-8
  size_t length = 1;
};

CodePoint Decode(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(at);
  if (first < 0x80) return {first, 1};
  size_t length = 0;
  char32_t value = 0;
  char32_t least = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2, value = first & 0x1Fu, least = 0x80;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3, value = first & 0x0Fu, least = 0x800;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4, value = first & 0x07u, least = 0x10000;
  }
  if (length == 0 || at + length > text.size()) return {};
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return {};
    value = (value << 6) | (byte(at + i) & 0x3Fu);
  }
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, length};
}

void Append(std::string& out, char32_t c) {
  const auto put = [&](char32_t bits) { out += static_cast<char>(static_cast<uint8_t>(bits)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6)), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12)), put(0x80 | ((c >> 6) & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18)), put(0x80 | ((c >> 12) & 0x3F)), put(0x80 | ((c >> 6) & 0x3F)),
        put(0x80 | (c & 0x3F));
  }
}

bool In(char32_t c, char32_t first, char32_t last) { return c >= first && c <= last; }

// Simple lower case of the bicameral scripts in everyday use; every result maps to itself.
char32_t Lower(char32_t c) {
  if (c < 0x80) return In(c, 'A', 'Z') ? c + 32 : c;
  if (In(c, 0xC0, 0xDE)) return c == 0xD7 ? c : c + 32;
  if (In(c, 0x100, 0x137)) return c == 0x130 ? U'i' : (c % 2 == 0 ? c + 1 : c);
  if (In(c, 0x139, 0x148)) return c % 2 == 1 ? c + 1 : c;
  if (In(c, 0x14A, 0x177)) return c % 2 == 0 ? c + 1 : c;
  if (c == 0x178) return 0xFF;
  if (In(c, 0x179, 0x17E)) return c % 2 == 1 ? c + 1 : c;
  if (In(c, 0x386, 0x3AB)) {
    if (c == 0x386) return 0x3AC;
    if (In(c, 0x388, 0x38A)) return c + 37;
    if (c == 0x38C) return 0x3CC;
    if (In(c, 0x38E, 0x38F)) return c + 63;
    return In(c, 0x391, 0x3AB) && c != 0x3A2 ? c + 32 : c;
  }
  if (In(c, 0x400, 0x40F)) return c + 80;
  if (In(c, 0x410, 0x42F)) return c + 32;
  if (In(c, 0x460, 0x481) || In(c, 0x48A, 0x4BF) || In(c, 0x4D0, 0x52F)) return c % 2 == 0 ? c + 1 : c;
  if (In(c, 0x531, 0x556)) return c + 48;
  if (In(c, 0x1E00, 0x1E95) || In(c, 0x1EA0, 0x1EFF)) return c % 2 == 0 ? c + 1 : c;
  return c;
}

// Digits of other scripts and full-width characters as ASCII.
char32_t Fold(char32_t c) {
  if (In(c, 0xFF01, 0xFF5E)) return c - 0xFEE0;
  for (const char32_t zero : {0x660u, 0x6F0u, 0x966u, 0x9E6u, 0xE50u}) {
    if (In(c, zero, zero + 9)) return U'0' + (c - zero);
  }
  return c;
}

constexpr std::pair<char32_t, std::string_view> kSymbolWords[] = {
    {U'&', "and"},        {U'%', "percent"},      {U'\u00A2', "cents"},
    {U'\u20AC', "euros"}, {U'\u00A3', "pounds"},  {U'\u00A5', "yen"},
    {U'\u00BD', "half"},  {U'\u00BC', "quarter"}, {U'\u00BE', "three quarters"},
    {U'\u2192', "to"},    {U'\u2190', "from"},
};

// Prepositions that people write without a space behind a figure.
constexpr std::string_view kGluedBehind[] = {"from", "into", "to", "for", "out"};

bool IsDashSign(char32_t c) { return c == '-' || c == 0x2212 || c == 0x2013 || c == 0x2010 || c == 0x2011; }

enum class Class : uint8_t { kWord, kSeparator, kVanish };

Class AsciiClass(char32_t c) {
  if (In(c, 'a', 'z') || In(c, '0', '9')) return Class::kWord;
  if (c == '\'' || c == '`') return Class::kVanish;
  if (c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f') return Class::kSeparator;
  if (c < 0x20 || c == 0x7F) return Class::kVanish;
  return Class::kSeparator;
}

Class ClassOf(char32_t c) {
  if (c < 0x80) return AsciiClass(c);
  if (c == 0x85 || c == 0xA0) return Class::kSeparator;
  if (c < 0xA0 || c == 0xAD || c == 0xB4) return Class::kVanish;
  if (c == 0xAA || c == 0xB5 || c == 0xBA) return Class::kWord;
  if (c < 0xC0 || c == 0xD7 || c == 0xF7) return Class::kSeparator;
  if (In(c, 0x2B9, 0x2BF)) return Class::kVanish;  // modifier apostrophes
  if (c == 0x37E || c == 0x387 || c == 0x589 || c == 0x55D || c == 0x55E || c == 0x5BE || c == 0x60C ||
      c == 0x61B || c == 0x61F || c == 0x66A || c == 0x66B || c == 0x66C || c == 0x6D4 || c == 0x964 ||
      c == 0x965)
    return Class::kSeparator;
  if (In(c, 0x2000, 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000)
    return Class::kSeparator;
  if (c == 0x2018 || c == 0x2019 || c == 0x201B || c == 0x2032) return Class::kVanish;
  if (In(c, 0x200B, 0x200F) || In(c, 0x202A, 0x202E) || In(c, 0x2060, 0x206F) || c == 0x61C)
    return Class::kVanish;
  if (In(c, 0x2010, 0x205E) || In(c, 0x2070, 0x20CF) || In(c, 0x2100, 0x2BFF)) return Class::kSeparator;
  if (In(c, 0x3001, 0x3004) || In(c, 0x3008, 0x3020) || In(c, 0x3030, 0x303F) || c == 0x30FB)
    return Class::kSeparator;
  if (In(c, 0xFE00, 0xFE0F) || c == 0xFEFF || In(c, 0xFFF0, 0xFFFF)) return Class::kVanish;
  if (In(c, 0xE000, 0xF8FF) || c >= 0xE0000) return Class::kVanish;
  if (In(c, 0xFE10, 0xFE1F) || In(c, 0xFE30, 0xFE6F) || In(c, 0xFF5F, 0xFF65)) return Class::kSeparator;
  if (In(c, 0x1F000, 0x1FBFF)) return In(c, 0x1F3FB, 0x1F3FF) ? Class::kVanish : Class::kSeparator;
  if ((c & 0xFFFE) == 0xFFFE) return Class::kVanish;  // not characters
  return Class::kWord;
}

class Normaliser {
 public:
  Normaliser(std::string_view text, size_t max_bytes) : text_(text), max_bytes_(max_bytes) {}

  std::vector<NormalisedWord> Run() {
    while (at_ < text_.size() && !full_) {
      const CodePoint code = Decode(text_, at_);
      Take(code);
    }
    Flush();
    return std::move(words_);
  }

 private:
  static bool IsDigit(char32_t c) { return In(c, '0', '9'); }

  // The character at byte `at`, folded; kInvalid past the end.
  char32_t Peek(size_t at) const {
    if (at >= text_.size()) return kInvalid;
    const CodePoint code = Decode(text_, at);
    return code.value == kInvalid ? kInvalid : Fold(code.value);
  }
  bool DigitAt(size_t at) const { return IsDigit(Peek(at)); }
  size_t LengthAt(size_t at) const { return Decode(text_, at).length; }

  void Take(CodePoint code) {
    const size_t begin = at_;
    at_ += code.length;
    if (code.value == kInvalid) return;
    const char32_t c = Lower(Fold(code.value));
    if (c == '.' || c == ',') return Point(c, begin);
    if (IsMinus(c, begin)) return WholeWord("minus", begin);
    if ((IsDashSign(c) || c == '=') && Peek(at_) == '>') return Arrow("to", begin);
    if (c == '<' && IsDashSign(Peek(at_)) && !DigitAt(at_ + LengthAt(at_))) return Arrow("from", begin);
    for (const auto& [symbol, words] : kSymbolWords) {
      if (c == symbol) return WholeWords(words, begin);
    }
    Note(c, begin);
    switch (ClassOf(c)) {
      case Class::kWord:
        return Letter(c, begin);
      case Class::kSeparator:
        chain_ = false;
        return Flush();
      case Class::kVanish:
        return;
    }
  }

  // Two signs: "checking -> savings".
  void Arrow(std::string_view word, size_t begin) {
    at_ += LengthAt(at_);
    WholeWord(word, begin);
  }

  // "-50", "-$20" where nothing or a space stands before.
  bool IsMinus(char32_t c, size_t begin) const {
    if (!IsDashSign(c)) return false;
    const bool free = begin == 0 || text_[begin - 1] == ' ' || text_[begin - 1] == '\t' ||
                      text_[begin - 1] == '\n' || text_[begin - 1] == '$';
    return free &&
           (DigitAt(at_) || (Peek(at_) == '$' && DigitAt(at_ + 1)) || (Peek(at_) == '.' && DigitAt(at_ + 1)));
  }

  // A separator between words, for the marks of the next one.
  void Note(char32_t c, size_t begin) {
    if (c == '$') marks_ |= NormalisedWord::kDollar;
    if (c == ',' || c == ';' || c == ':' || c == '.' || c == '!' || c == '?' || c == '\n' || c == '/' ||
        c == 0x2014 || c == 0x2026)
      marks_ |= NormalisedWord::kPause;
    if (IsDashSign(c)) {
      const bool between = begin > 0 && !IsSpaceAt(begin - 1) && at_ < text_.size() && !IsSpaceAt(at_);
      marks_ |= between ? NormalisedWord::kHyphen : NormalisedWord::kPause;
    }
  }

  bool IsSpaceAt(size_t at) const { return at < text_.size() && (text_[at] == ' ' || text_[at] == '\t'); }

  void Letter(char32_t c, size_t begin) {
    if (word_.text.empty()) {
      word_.begin = begin;
      word_.before = std::exchange(marks_, uint8_t{0});
      all_digits_ = true;
      has_point_ = false;
      has_comma_ = false;
    }
    all_digits_ = all_digits_ && IsDigit(c);
    chain_ = chain_ && IsDigit(c);
    if (word_.text.size() + 4 <= kMaxWordBytes) Append(word_.text, c);
    word_.end = at_;
  }

  // '.' and ',' are part of a number in "1,250.50" and ".50"; separators otherwise.
  void Point(char32_t c, size_t begin) {
    const bool in_number = !word_.text.empty() && all_digits_;
    if (c == ',' && in_number && !has_point_ && GroupFits() && GroupOfThree()) {
      has_comma_ = true;
      return;
    }
    if (c == '.' && DigitAt(at_) && SecondPoint()) chain_ = true;
    if (c == '.' && in_number && !has_point_ && !chain_ && DigitAt(at_)) return Decimal();
    if (c == ',' && in_number && !chain_ && DecimalComma()) {
      std::erase(word_.text, '.');
      Decimal();
      word_.before |= NormalisedWord::kDecimalComma;
      return;
    }
    const bool leading = c == '.' && word_.text.empty() && !chain_ && DigitAt(at_) && !WordEndsAt(begin);
    if (!leading) {
      Flush();
      if (c == ',' || !DigitAt(at_)) Note(c, begin);
      return;
    }
    word_.text.assign(1, '0');
    word_.begin = begin;
    word_.before = std::exchange(marks_, uint8_t{0});
    word_.end = at_;
    all_digits_ = true;
    has_point_ = false;
    Decimal();
  }

  void Decimal() {
    if (word_.text.size() + 8 <= kMaxWordBytes) word_.text += '.';
    has_point_ = true;
  }

  // Is the byte before `begin` the end of a word that was just flushed ("10.30.2020")?
  bool WordEndsAt(size_t begin) const { return !words_.empty() && words_.back().end == begin; }

  bool GroupFits() const { return word_.text.size() <= (has_comma_ ? 15u : 3u) && word_.text.front() != '0'; }

  // Exactly three digits follow.
  bool GroupOfThree() const {
    size_t at = at_;
    for (int i = 0; i < 3; ++i) {
      if (!DigitAt(at)) return false;
      at += LengthAt(at);
    }
    return !DigitAt(at);
  }

  // Exactly two digits follow and then no further figure: "12,50"; a point before was one of thousands
  // ("1.500,00").
  bool DecimalComma() const {
    if (word_.begin > 0 && (text_[word_.begin - 1] == ',' || text_[word_.begin - 1] == '.')) return false;
    const size_t point = word_.text.find('.');
    if (point != std::string::npos && (word_.text.size() - point != 4 || point > 3 || word_.text[0] == '0'))
      return false;
    size_t at = at_;
    for (int i = 0; i < 2; ++i) {
      if (i == 1 && (Peek(at) == U'k' || Peek(at) == U'K')) break;
      if (!DigitAt(at)) return false;
      at += LengthAt(at);
    }
    if (DigitAt(at)) return false;
    if (Peek(at) == U'k' || Peek(at) == U'K') return true;
    return !((Peek(at) == ',' || Peek(at) == '.') && DigitAt(at + LengthAt(at)));
  }

  // The digits that follow are followed by another ".digit": a date or an address, not a decimal.
  bool SecondPoint() const {
    size_t at = at_;
    while (DigitAt(at)) at += LengthAt(at);
    return Peek(at) == '.' && DigitAt(at + LengthAt(at));
  }

  void WholeWord(std::string_view text, size_t begin) {
    Flush();
    word_ = {std::string(text), begin, at_, std::exchange(marks_, uint8_t{0})};
    Flush();
  }

  // Several words from one character: the first stands for it, the others for nothing.
  void WholeWords(std::string_view words, size_t begin) {
    for (const std::string_view word : SplitWords(words)) {
      WholeWord(word, begin);
      begin = at_;
    }
  }

  // The word, or the two that were written together: "1200from".
  void Flush() {
    const size_t letters = word_.text.find_first_not_of("0123456789.");
    if (letters == 0 || letters == std::string::npos) return FlushWord();
    const std::string_view rest = std::string_view(word_.text).substr(letters);
    if (word_.end - word_.begin != word_.text.size() ||
        std::find(std::begin(kGluedBehind), std::end(kGluedBehind), rest) == std::end(kGluedBehind))
      return FlushWord();
    NormalisedWord behind{std::string(rest), word_.begin + letters, word_.end, 0};
    word_.text.resize(letters);
    word_.end = behind.begin;
    FlushWord();
    if (full_) return;
    word_ = std::move(behind);
    FlushWord();
  }

  void FlushWord() {
    if (word_.text.empty()) return;
    const size_t size = word_.text.size() + (words_.empty() ? 0 : 1);
    if (used_ + size > max_bytes_) {
      full_ = true;
    } else {
      used_ += size;
      words_.push_back(std::move(word_));
    }
    word_ = {};
    has_point_ = false;
  }

  std::string_view text_;
  size_t max_bytes_;
  size_t at_ = 0;
  size_t used_ = 0;
  bool full_ = false;
  bool all_digits_ = false;  // of word_: only digits so far (and maybe a point)
  bool has_point_ = false;
  bool has_comma_ = false;
  uint8_t marks_ = 0;   // of the word to come
  bool chain_ = false;  // inside "10.30.2020": its points separate
  NormalisedWord word_;
  std::vector<NormalisedWord> words_;
};

}  // namespace

std::vector<NormalisedWord> NormaliseSpokenWords(std::string_view text, size_t max_bytes) {
  return Normaliser(text, max_bytes).Run();
}

std::string NormaliseSpoken(std::string_view text, size_t max_bytes) {
  std::string spoken;
  for (const NormalisedWord& word : NormaliseSpokenWords(text, max_bytes)) {
    if (!spoken.empty()) spoken += ' ';
    spoken += word.text;
  }
  return spoken;
}

std::vector<std::string_view> SplitWords(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  std::vector<std::string_view> words;
  size_t at = 0;
  while (at < text.size()) {
    const size_t begin = text.find_first_not_of(kBlanks, at);
    if (begin == std::string_view::npos) break;
    at = std::min(text.find_first_of(kBlanks, begin), text.size());
    words.push_back(text.substr(begin, at - begin));
  }
  return words;
}

std::string PlainWords(std::string_view identifier) {
  std::string words(identifier);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

}  // namespace sotto
