// The spoken form of what a user typed or said: what the brain reads, whatever keyboard or recognizer it came
// from. "Pay AT&T $1,250.50 -- it's due!" -> "pay at and t 1250.50 its due".
//
// Rules, in this order:
//   - lower case (ASCII, Latin, Greek, Cyrillic, Armenian, full-width); other scripts are kept as they are;
//   - digits of other scripts become 0-9; "1,250.50" -> "1250.50" (thousands commas, only in groups of
//     three), ".50" -> "0.50", a second point ends the number ("10.30.2020" -> "10 30 2020"); a comma before
//     exactly two digits or a "k" is a decimal point ("1.500,00" -> "1500.00"); "9from" -> "9 from";
//   - apostrophes vanish ("what's" -> "whats"), '&' becomes the word "and", '%' "percent", '¢' "cents", '€'
//     "euros", '£' "pounds", '¥' "yen", '½' "half", '¼' "quarter", '¾' "three quarters"; a '-' in front of an
//     amount, and of nothing else, becomes "minus"; arrows ("->", "=>") become "to", and "<-" "from";
//   - every other punctuation mark, symbol, currency sign and emoji separates words ("twenty-five" -> "twenty
//     five"); so no text of a user can spell a control token such as "<|call|>";
//   - control characters, invisible characters and invalid UTF-8 bytes vanish;
//   - one space between words; a word is cut at kMaxWordBytes, the whole at kMaxSpokenBytes at a
//     word boundary.
// The result is valid UTF-8, and normalising it again changes nothing.
// GGUF metadata names these rules `sotto.normaliser = "spoken"`. Pure functions: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sotto {

inline constexpr size_t kMaxSpokenBytes = 2048;
inline constexpr size_t kMaxWordBytes = 64;

// One word of the spoken form and the bytes [begin, end) of the original that it was made from. Words are in
// order and their ranges do not overlap, so the user's own spelling of the words i..j is the original's
// [words[i].begin, words[j].end): "at and t" -> "AT&T".
struct NormalisedWord {
  // What stood between it and the word before, and is no part of any word.
  enum Mark : uint8_t {
    kPause = 1,         // a comma, a full stop, a dash between spaces, ...
    kHyphen = 2,        // one hyphen and nothing else: "50-60"
    kDollar = 4,        // a dollar sign
    kDecimalComma = 8,  // not in front: the word's own point was written as a comma
  };
  std::string text;
  size_t begin = 0;
  size_t end = 0;
  uint8_t before = 0;  // of Mark
};

std::vector<NormalisedWord> NormaliseSpokenWords(std::string_view text, size_t max_bytes = kMaxSpokenBytes);

// The same words joined by single spaces.
std::string NormaliseSpoken(std::string_view text, size_t max_bytes = kMaxSpokenBytes);

// The text split at spaces, tabs and ends of lines. The views live as long as `text`.
std::vector<std::string_view> SplitWords(std::string_view text);

// An identifier as words: "card_type" -> "card type".
std::string PlainWords(std::string_view identifier);

}  // namespace sotto
