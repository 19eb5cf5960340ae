#include "base/unique_id.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>

namespace sotto {
namespace {

std::string Hex(uint64_t high, uint64_t low) { return fmt::format("{:016x}{:016x}", high, low); }

}  // namespace

std::string UniqueId() {
  std::array<uint64_t, 2> bits{};
  // Up to 256 bytes come whole once the system has started.
  const ssize_t got = getrandom(bits.data(), sizeof(bits), 0);
  SOTTO_CHECK(got == static_cast<ssize_t>(sizeof(bits)), "the system gave {} random bytes", got);
  return Hex(bits[0], bits[1]);
}

std::string UniqueId(Random& random) {
  const uint64_t high = random.Next();
  return Hex(high, random.Next());
}

}  // namespace sotto
