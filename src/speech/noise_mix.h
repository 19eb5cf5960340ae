// Speech with recorded noise, for benchmarks.
#pragma once

#include <span>
#include <vector>

#include "base/random.h"

namespace sotto {

// Adds a random piece of `noise`, scaled so that the loudest 2,048-sample frame of the speech is `snr_db`
// above the loudest frame of the piece. Noise shorter than the speech is repeated. Nothing happens where
// there is no noise. Source: Picovoice's speech-to-intent-benchmark.
void MixNoise(std::vector<float>* speech, std::span<const float> noise, double snr_db, Random& random);

}  // namespace sotto
