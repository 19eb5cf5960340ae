// FNV-1a: a hash that is the same on every machine and in every version, for what is compared later or
// elsewhere (versions of files, cache keys). Not against somebody who wants two things to look the same.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sotto {

constexpr uint64_t Fnv1a(std::string_view bytes, uint64_t hash = 14695981039346656037u) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  return hash;
}

// 16 hexadecimal digits.
inline std::string HashName(std::string_view bytes) { return fmt::format("{:016x}", Fnv1a(bytes)); }

}  // namespace sotto
