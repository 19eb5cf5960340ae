// Randomness as something that is passed in. The same seed gives the same sequence on every machine: only the
// engine of the standard library is used, its distributions are not portable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

#include "base/check.h"

namespace sotto {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  uint64_t Next() { return engine_(); }
  // In [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  // In [0, bound). REQUIRES: bound > 0.
  size_t Below(size_t bound) {
    SOTTO_CHECK(bound > 0);
    return static_cast<size_t>((static_cast<Wide>(Next()) * bound) >> 64);
  }
  // True with probability `probability`.
  bool Chance(double probability) { return Uniform() < probability; }
  // REQUIRES: items not empty.
  template <typename Items>
  auto& Pick(Items&& items) {
    return items[Below(std::size(items))];
  }

 private:
  __extension__ typedef unsigned __int128 Wide;  // NOLINT(modernize-use-using)
  std::mt19937_64 engine_;
};

}  // namespace sotto
