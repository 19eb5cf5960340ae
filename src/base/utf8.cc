#include "base/utf8.h"

#include <algorithm>
#include <cstdint>

namespace sotto {
namespace {

// Bytes of the character at `at`, 0 where there is none (RFC 3629, section 4).
size_t CharacterLength(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
  const uint8_t first = byte(at);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF5 ? 0 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
  if (first == 0xE0) low = 0xA0;
  if (first == 0xED) high = 0x9F;
  if (first == 0xF0) low = 0x90;
  if (first == 0xF4) high = 0x8F;
  for (size_t i = 1; i < length; ++i) {
    if (byte(at + i) < low || byte(at + i) > high) return 0;
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

}  // namespace

size_t FindInvalidUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = CharacterLength(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

std::string CleanUtf8(std::string_view text, size_t* n_replaced) {
  std::string clean;
  clean.reserve(text.size());
  size_t replaced = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t length = CharacterLength(text, at);
    clean += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(at, length);
    replaced += length == 0 ? 1 : 0;
    at += std::max<size_t>(length, 1);
  }
  if (n_replaced != nullptr) *n_replaced = replaced;
  return clean;
}

}  // namespace sotto
