#include "privacy/text_words.h"

namespace sotto {
namespace {

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 1;
};

// A byte that begins no character is one of its own (U+FFFD): a separator.
CodePoint Decode(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(at);
  if (first < 0x80) return {first, 1};
  const size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
  if (n == 0 || at + n > text.size()) return {0xFFFD, 1};
  uint32_t value = first & (0xFFU >> (n + 1));
  for (size_t i = 1; i < n; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return {0xFFFD, 1};
    value = value << 6 | (byte(at + i) & 0x3FU);
  }
  return {value, n};
}

// The digit of a code point in any script that callers are likely to write in, or -1.
int DigitOf(uint32_t c) {
  if (c >= '0' && c <= '9') return static_cast<int>(c - '0');
  if (c < 0x660) return -1;
  constexpr uint32_t kZeros[] = {0x660,  0x6F0,   0x7C0,   0x966,   0x9E6,   0xA66,   0xAE6,  0xB66,  0xBE6,
                                 0xC66,  0xCE6,   0xD66,   0xE50,   0xED0,   0xF20,   0x1040, 0x17E0, 0x1810,
                                 0xFF10, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1FBF0};
  for (const uint32_t zero : kZeros)
    if (c >= zero && c < zero + 10) return static_cast<int>(c - zero);
  return -1;
}

bool IsInvisible(uint32_t c) {
  return c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x2064) || c == 0xFEFF || (c >= 0xFE00 && c <= 0xFE0F) ||
         (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F;
}

bool IsLetter(uint32_t c) {
  if (c < 0x80) return (c | 0x20U) >= 'a' && (c | 0x20U) <= 'z';
  if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
  if (c == 0xD7 || c == 0xF7) return false;
  if (c >= 0x2000 && c < 0x2C00) return false;  // punctuation, symbols
  if (c >= 0x3000 && c < 0x3040) return false;
  if (c >= 0xFF00 && c < 0xFF21) return false;
  if (c >= 0xFE10 && c < 0xFE70) return false;
  return c != 0xFFFD && c < 0x1F000;
}

bool IsApostrophe(uint32_t c) { return c == '\'' || c == 0x2019 || c == 0x2BC || c == '`'; }

// Lower case of Latin letters; others as they are.
uint32_t LowerOf(uint32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F))
    return c + 32;
  if (c >= 0x100 && c <= 0x137) return c | 1U;
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return (c & 1U) != 0 ? c + 1 : c;
  if (c >= 0x14A && c <= 0x177) return c | 1U;
  if (c >= 0xFF21 && c <= 0xFF3A) return c - 0xFF21 + 'a';
  if (c >= 0xFF41 && c <= 0xFF5A) return c - 0xFF41 + 'a';
  return c;
}

uint16_t GapOf(uint32_t c) {
  switch (c) {
    case ' ':
    case '\t':
    case 0xA0:
    case 0x3000:
      return kGapSpace;
    case '\n':
    case '\r':
    case 0x2028:
    case 0x2029:
      return kGapLine;
    case '-':
      return kGapHyphen;
    case '.':
    case '!':
    case '?':
      return kGapDot;
    case ',':
    case ';':
      return kGapComma;
    case '/':
    case '\\':
      return kGapSlash;
    case ':':
    case '=':
      return kGapColon;
    case '(':
    case '[':
      return kGapOpen;
    case ')':
    case ']':
      return kGapClose;
    case '+':
    case 0xFF0B:
      return kGapPlus;
    case '$':
    case 0xA2:
    case 0xA3:
    case 0xA5:
    case 0x20AC:
      return kGapMoney;
    case '@':
    case 0xFF20:
      return kGapAt;
    case '"':
    case 0x201C:
    case 0x201D:
      return kGapQuote;
    default:
      if (c >= 0x2000 && c <= 0x200A) return kGapSpace;
      return c >= 0x2010 && c <= 0x2015 ? kGapHyphen : kGapOther;
  }
}

void AppendUtf8(std::vector<char>& out, uint32_t c) {
  const auto push = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    push(c);
  } else if (c < 0x800) {
    push(0xC0 | c >> 6);
    push(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    push(0xE0 | c >> 12);
    push(0x80 | (c >> 6 & 0x3F));
    push(0x80 | (c & 0x3F));
  } else {
    push(0xF0 | c >> 18);
    push(0x80 | (c >> 12 & 0x3F));
    push(0x80 | (c >> 6 & 0x3F));
    push(0x80 | (c & 0x3F));
  }
}

LetterCase CaseOf(size_t letters, size_t capitals, bool first) {
  if (capitals == 0) return LetterCase::kLower;
  if (capitals == letters) return letters == 1 ? LetterCase::kInitial : LetterCase::kCapitals;
  return first && capitals == 1 ? LetterCase::kInitial : LetterCase::kMixed;
}

}  // namespace

TextWords::TextWords(std::string_view text) : text_(text) {
  letters_.reserve(text.size() + text.size() / 2 + 8);
  words_.reserve(text.size() / 4 + 4);
  std::vector<std::pair<size_t, size_t>> ranges;  // of letters_: it may move
  ranges.reserve(text.size() / 4 + 4);
  uint16_t gap = 0;
  bool sentence_end = false;
  size_t at = 0;
  while (at < text.size()) {
    const CodePoint c = Decode(text, at);
    const int digit = DigitOf(c.value);
    if (digit < 0 && !IsLetter(c.value)) {
      if (!IsInvisible(c.value)) {
        const uint16_t bit = GapOf(c.value);
        if (sentence_end && (bit & (kGapSpace | kGapLine)) != 0) gap |= kGapSentence;
        sentence_end = bit == kGapDot;
        gap |= bit;
      }
      at += c.bytes;
      continue;
    }
    TextWord word;
    word.begin = at;
    word.gap = gap;
    word.digits = digit >= 0;
    const size_t from = letters_.size();
    size_t letters = 0;
    size_t capitals = 0;
    bool first_capital = false;
    while (at < text.size()) {
      const CodePoint next = Decode(text, at);
      const int value = DigitOf(next.value);
      if (word.digits) {
        if (value < 0) {
          // An invisible character inside a number hides nothing.
          size_t behind = at + next.bytes;
          if (!IsInvisible(next.value) || behind >= text.size() || DigitOf(Decode(text, behind).value) < 0)
            break;
        } else {
          letters_.push_back(static_cast<char>('0' + value));
        }
      } else if (value < 0 && IsLetter(next.value)) {
        const uint32_t lower = LowerOf(next.value);
        if (lower != next.value) {
          ++capitals;
          first_capital = first_capital || letters == 0;
        }
        ++letters;
        AppendUtf8(letters_, lower);
      } else if (IsInvisible(next.value) && at + next.bytes < text.size() &&
                 IsLetter(Decode(text, at + next.bytes).value)) {
      } else if (!(value < 0 && IsApostrophe(next.value) && at + next.bytes < text.size() &&
                   IsLetter(Decode(text, at + next.bytes).value))) {
        break;
      }
      at += next.bytes;
    }
    word.end = at;
    word.letters = word.digits ? LetterCase::kNone : CaseOf(letters, capitals, first_capital);
    ranges.emplace_back(from, letters_.size() - from);
    words_.push_back(word);
    gap = 0;
    sentence_end = false;
  }
  end_gap_ = gap;
  for (size_t i = 0; i < words_.size(); ++i)
    words_[i].lower = std::string_view(letters_.data() + ranges[i].first, ranges[i].second);
}

}  // namespace sotto
