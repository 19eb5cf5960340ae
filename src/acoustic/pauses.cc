#include "acoustic/pauses.h"

#include <algorithm>

#include "base/check.h"

namespace sotto {

std::vector<SoundPart> SplitAtPauses(std::span<const float> samples, int rate_hz, double max_seconds) {
  SOTTO_CHECK(rate_hz > 0 && max_seconds * rate_hz >= 1000, "parts of {} s at {} Hz", max_seconds, rate_hz);
  const auto longest = static_cast<size_t>(max_seconds * rate_hz);
  const auto pause = static_cast<size_t>(rate_hz) / 5;
  const size_t step = std::max<size_t>(1, pause / 20);
  std::vector<SoundPart> parts;
  size_t begin = 0;
  while (samples.size() - begin > longest) {
    size_t cut = begin + longest;
    double quietest = -1;
    for (size_t at = begin + longest / 3; at + pause <= begin + longest; at += step) {
      double energy = 0;
      for (size_t i = at; i < at + pause; i += 4)
        energy += static_cast<double>(samples[i]) * static_cast<double>(samples[i]);
      if (quietest < 0 || energy < quietest) {
        quietest = energy;
        cut = at + pause / 2;
      }
    }
    parts.push_back({begin, cut});
    begin = cut;
  }
  if (begin < samples.size()) parts.push_back({begin, samples.size()});
  return parts;
}

}  // namespace sotto
