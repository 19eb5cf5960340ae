// Code points and their properties, as far as tokenizers need them. Pure functions, any thread.
// Source: the Unicode character database, through scripts/make-unicode-tables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sotto {

// What a code point is, as bits: the groups that pre-tokenizers ask for.
enum CodePointBits : uint16_t {
  kLetterUpper = 1,    // Lu Lt
  kLetterLower = 2,    // Ll
  kLetterOther = 4,    // Lm Lo
  kMark = 8,           // Mc Me Mn
  kNumber = 16,        // Nd Nl No
  kPunctuation = 32,   // Pc Pd Pe Pf Pi Po Ps
  kSymbol = 64,        // Sc Sk Sm So
  kWhitespace = 128,   // White_Space, whatever the category
  kControlChar = 256,  // Cc Cf Co Cs
  kLetter = kLetterUpper | kLetterLower | kLetterOther,
};
uint16_t BitsOf(uint32_t code_point);

// The first code point of the lower case form.
uint32_t ToLower(uint32_t code_point);
// The first code point of the canonical decomposition: "é" -> "e".
uint32_t BaseOf(uint32_t code_point);

struct DecodedCodePoint {
  uint32_t code_point;
  uint32_t size_bytes;
  bool valid;  // false: one byte that begins no sequence, given as U+FFFD
};
// Lenient: surrogates and overlong forms are taken as they are. REQUIRES: offset < text.size().
DecodedCodePoint DecodeUtf8(std::string_view text, size_t offset);
// REQUIRES: code_point <= 0x10FFFF.
void AppendUtf8(std::string& out, uint32_t code_point);

}  // namespace sotto
