// What keeps secrets: comparisons that take as long for a wrong secret as for the right one, keyed hashes and
// random text. OpenSSL's. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace sotto {

// In a time that depends on the lengths alone.
bool SameSecret(std::string_view a, std::string_view b);

// HMAC-SHA-256 (RFC 2104), 32 bytes. Sha1: of protocols that ask for it, 20 bytes.
std::string HmacSha256(std::string_view key, std::string_view text);
std::string HmacSha1(std::string_view key, std::string_view text);

std::string ToHex(std::string_view bytes);
std::string ToBase64(std::string_view bytes);
// Without padding, for addresses (RFC 4648, 5).
std::string ToBase64Url(std::string_view bytes);
// Of both alphabets, with or without padding. False: something else stands in it.
bool FromBase64(std::string_view text, std::string* bytes);

}  // namespace sotto
