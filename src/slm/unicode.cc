#include "slm/unicode.h"

#include <algorithm>
#include <array>

#include "slm/unicode_tables.h"

namespace sotto {
namespace {

using namespace unicode_tables;

// Bits of each general category, in the order of the tables.
constexpr std::array<uint16_t, 30> kCategoryBits = {0,
                                                    kControlChar,
                                                    kControlChar,
                                                    kControlChar,
                                                    kControlChar,
                                                    kLetterLower,
                                                    kLetterOther,
                                                    kLetterOther,
                                                    kLetterUpper,
                                                    kLetterUpper,
                                                    kMark,
                                                    kMark,
                                                    kMark,
                                                    kNumber,
                                                    kNumber,
                                                    kNumber,
                                                    kPunctuation,
                                                    kPunctuation,
                                                    kPunctuation,
                                                    kPunctuation,
                                                    kPunctuation,
                                                    kPunctuation,
                                                    kPunctuation,
                                                    kSymbol,
                                                    kSymbol,
                                                    kSymbol,
                                                    kSymbol,
                                                    0,
                                                    0,
                                                    0};

constexpr bool IsWhitespace(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

constexpr uint16_t AsciiBits(uint32_t c) {
  if (IsWhitespace(c)) return kWhitespace | (c < 0x20 ? kControlChar : 0);
  if (c < 0x20 || c == 0x7F) return kControlChar;
  if (c >= '0' && c <= '9') return kNumber;
  if (c >= 'A' && c <= 'Z') return kLetterUpper;
  if (c >= 'a' && c <= 'z') return kLetterLower;
  for (const char symbol : {'$', '+', '<', '=', '>', '^', '`', '|', '~'}) {
    if (c == static_cast<uint32_t>(symbol)) return kSymbol;
  }
  return kPunctuation;
}

constexpr std::array<uint16_t, 128> kAsciiBits = [] {
  std::array<uint16_t, 128> bits{};
  for (uint32_t c = 0; c < 128; ++c) bits[c] = AsciiBits(c);
  return bits;
}();

constexpr uint32_t kHangulFirst = 0xAC00, kHangulLast = 0xD7A3, kHangulPerLead = 588, kHangulLead = 0x1100;

}  // namespace

uint16_t BitsOf(uint32_t c) {
  if (c < 128) return kAsciiBits[c];
  if (c > 0x10FFFF) return 0;
  const uint32_t* end = kCategoryStarts + kCategoryStartCount;
  const uint32_t category = *(std::upper_bound(kCategoryStarts, end, (c << 5) | 31) - 1) & 31;
  return static_cast<uint16_t>(kCategoryBits[category] | (IsWhitespace(c) ? kWhitespace : 0));
}

uint32_t ToLower(uint32_t c) {
  if (c < 128) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  const LowerRun* end = kLowerRuns + kLowerRunCount;
  const LowerRun* run = std::partition_point(kLowerRuns, end, [c](const LowerRun& r) { return r.last < c; });
  if (run == end || c < run->first || (c - run->first) % run->step != 0) return c;
  return static_cast<uint32_t>(static_cast<int32_t>(c) + run->delta);
}

uint32_t BaseOf(uint32_t c) {
  if (c < 0xC0) return c;
  if (c >= kHangulFirst && c <= kHangulLast) return kHangulLead + (c - kHangulFirst) / kHangulPerLead;
  const BaseRun* end = kBaseRuns + kBaseRunCount;
  const BaseRun* run = std::partition_point(kBaseRuns, end, [c](const BaseRun& r) { return r.last < c; });
  return run == end || c < run->first ? c : run->base;
}

DecodedCodePoint DecodeUtf8(std::string_view text, size_t offset) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[offset + i])); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const uint32_t size = lead >= 0xF8 ? 0 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
  if (size == 0 || text.size() - offset < size) return {0xFFFD, 1, false};
  uint32_t code_point = lead & (0x7Fu >> size);
  for (uint32_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0xFFFD, 1, false};
    code_point = code_point << 6 | (byte(i) & 0x3F);
  }
  if (code_point > 0x10FFFF) return {0xFFFD, 1, false};
  return {code_point, size, true};
}

void AppendUtf8(std::string& out, uint32_t c) {
  const auto tail = [&](uint32_t shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace sotto
