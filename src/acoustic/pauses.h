// Where a long recording may be cut: in its quietest moments, so that each part is short enough for the
// encoder.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sotto {

struct SoundPart {
  size_t begin = 0;  // samples
  size_t end = 0;
};

// Parts that cover the sound in order, without gaps, each at most max_seconds: a cut lies in the middle of
// the quietest fifth of a second between a third of that and all of it. A sound that is short enough is one
// part, an empty one none.
std::vector<SoundPart> SplitAtPauses(std::span<const float> samples, int rate_hz, double max_seconds = 20.0);

}  // namespace sotto
