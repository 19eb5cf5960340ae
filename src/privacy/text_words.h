// A text cut into words with the bytes that each was made from: what the finders and the tagger read. Unlike
// the spoken form (text/normalise.h) nothing is merged, moved or cut off, so that every byte of the original
// is accounted for. Internal to the privacy layer.
//
//   "Call 079-0442 (Jane's)"   call | 079 | -0442 | (janes
//
// A word is letters or digits, never both: "W20" is two words, the second glued to the first. Letters are
// lower case (ASCII and Latin), digits of every script are 0-9, apostrophes are left out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sotto {

// What stands between a word and the one before. A set of bits.
enum Gap : uint16_t {
  kGapSpace = 1,
  kGapLine = 2,  // a new line
  kGapHyphen = 4,
  kGapDot = 8,
  kGapComma = 16,
  kGapSlash = 32,
  kGapColon = 64,
  kGapOpen = 128,  // ( [
  kGapPlus = 256,
  kGapMoney = 512,      // $ £ € ¥
  kGapSentence = 1024,  // . ! ? and a space behind it
  kGapAt = 2048,
  kGapQuote = 4096,
  kGapOther = 8192,
  kGapClose = 16384,
};

enum class LetterCase : uint8_t { kNone, kLower, kInitial, kCapitals, kMixed };

struct TextWord {
  size_t begin = 0;  // bytes [begin, end) of the text
  size_t end = 0;
  std::string_view lower;  // digits: 0-9
  uint16_t gap = 0;        // of Gap; 0 and not the first word: glued to the one before
  bool digits = false;
  LetterCase letters = LetterCase::kNone;
};

// Holds the letters that the words point into: movable, not copied.
class TextWords {
 public:
  explicit TextWords(std::string_view text);
  TextWords(TextWords&&) = default;
  TextWords& operator=(TextWords&&) = default;
  TextWords(const TextWords&) = delete;
  TextWords& operator=(const TextWords&) = delete;

  std::string_view text() const { return text_; }
  size_t size() const { return words_.size(); }
  const TextWord& operator[](size_t i) const { return words_[i]; }
  uint16_t end_gap() const { return end_gap_; }  // behind the last word
  // Behind the word `i`.
  uint16_t GapAfter(size_t i) const { return i + 1 < words_.size() ? words_[i + 1].gap : end_gap_; }
  bool Glued(size_t i) const { return i > 0 && words_[i].gap == 0; }
  // "" beyond the ends.
  std::string_view Lower(size_t i) const { return i < words_.size() ? words_[i].lower : std::string_view(); }

 private:
  std::string_view text_;
  std::vector<char> letters_;
  std::vector<TextWord> words_;
  uint16_t end_gap_ = 0;
};

}  // namespace sotto
