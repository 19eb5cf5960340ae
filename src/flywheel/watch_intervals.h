// Shares with what they may really be. Wilson's score interval (Wilson 1927), two-sided.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/json.h"

namespace sotto {

struct ShareInterval {
  size_t hits = 0;
  size_t of = 0;
  double share = 0;
  double low = 0, high = 1;  // of nothing: anything
};

inline constexpr double kZ95TwoSided = 1.959963984540054;

inline ShareInterval WilsonInterval(size_t hits, size_t of, double z = kZ95TwoSided) {
  ShareInterval out{hits, of, 0, 0, 1};
  if (of == 0) return out;
  const auto n = static_cast<double>(of);
  const double p = static_cast<double>(hits) / n;
  const double z2 = z * z;
  const double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = z / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  out.share = p;
  // At 0 and 1 the formula gives them but for rounding.
  out.low = hits == 0 ? 0 : std::max(0.0, centre - half);
  out.high = hits == of ? 1 : std::min(1.0, centre + half);
  return out;
}

inline Json ToJson(const ShareInterval& interval) {
  return {{"hits", interval.hits},
          {"of", interval.of},
          {"share", interval.share},
          {"low", interval.low},
          {"high", interval.high}};
}

}  // namespace sotto
