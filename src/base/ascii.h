// Letters of ASCII, whatever the locale; bytes of other characters stay as they are.
#pragma once

#include <string>
#include <string_view>

namespace sotto {

inline std::string LowerAscii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

}  // namespace sotto
