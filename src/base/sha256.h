// The SHA-256 of bytes, as 64 hexadecimal digits: names that nobody can find a second text for (which file a
// model was imported from, the keys of a cache that others share).
#pragma once

#include <openssl/evp.h>

#include <string>
#include <string_view>

namespace sotto {

inline std::string Sha256(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  hex.reserve(size_t{2} * size);
  for (unsigned i = 0; i < size; ++i) {
    hex += kHex[digest[i] >> 4];
    hex += kHex[digest[i] & 15];
  }
  return hex;
}

}  // namespace sotto
