// Where a long recording may be cut: in its quietest moments, so that each part is short enough for the
// encoder.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "acoustic/voice_activity.h"

namespace sotto {

struct SoundPart {
  size_t begin = 0;  // samples
  size_t end = 0;
};

// Parts that cover the sound in order, without gaps, each at most max_seconds: a cut lies in the middle of
// the quietest fifth of a second between a third of that and all of it. A sound that is short enough is one
// part, an empty one none.
std::vector<SoundPart> SplitAtPauses(std::span<const float> samples, int rate_hz, double max_seconds = 20.0);

// The parts of a sound at 16 kHz with a voice in them: 0.3 s are kept on both sides (recognisers miss words that are
// cut closely), voices with less than 0.8 s between them are one part, and a part that is too long is cut as above.
std::vector<SoundPart> VoicedParts(std::span<const float> samples,
                                   std::shared_ptr<const VoiceActivityModel> model,
                                   double max_seconds = 20.0);

}  // namespace sotto
