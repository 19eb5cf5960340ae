// The SHA-256 of bytes, as 64 hexadecimal digits: which file a model was imported from. Who includes it links
// OpenSSL::Crypto.
#pragma once

#include <fmt/format.h>
#include <openssl/evp.h>

#include <string>
#include <string_view>

namespace sotto {

inline std::string Sha256(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace sotto
