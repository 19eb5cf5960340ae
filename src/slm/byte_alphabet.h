// The 256 bytes as printable code points, in which byte-level BPE vocabularies are written (GPT-2,
// encoder.py bytes_to_unicode: printable Latin-1 stands for itself, the others follow from U+0100 on).
#pragma once

#include <array>
#include <cstdint>

namespace sotto {

struct ByteAlphabet {
  std::array<uint32_t, 256> code_points{};  // of each byte
  std::array<int16_t, 324> bytes{};         // of each code point; -1 for none
};

inline constexpr ByteAlphabet kByteAlphabet = [] {
  ByteAlphabet alphabet;
  alphabet.bytes.fill(-1);
  uint32_t next = 256;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    const uint32_t code_point = printable ? byte : next++;
    alphabet.code_points[byte] = code_point;
    alphabet.bytes[code_point] = static_cast<int16_t>(byte);
  }
  return alphabet;
}();

}  // namespace sotto
