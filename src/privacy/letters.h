// Letters of ASCII, whatever the locale. Internal to the privacy layer.
#pragma once

#include <string.h>

#include <cstdint>
#include <string>

namespace sotto {

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
inline char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
inline bool IsAlnum(char c) { return IsDigit(c) || (Lower(c) >= 'a' && Lower(c) <= 'z'); }
// Also of words in other alphabets, byte by byte.
inline bool IsAlnumOrUtf8(char c) { return IsAlnum(c) || static_cast<uint8_t>(c) >= 0x80; }

// Overwrites what stood there.
inline void Wipe(std::string& text) {
  text.resize(text.capacity());
  explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace sotto
