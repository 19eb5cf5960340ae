// What became of the numbers of a sentence: which were taken back, which were only alternatives. Internal to
// the text layer.
#pragma once

#include <span>
#include <vector>

#include "text/spoken_numbers.h"

namespace sotto {

// Sets `standing` of the maximal readings, numbers among numbers and digit strings among digit strings.
// REQUIRES: `readings` as ReadNumbers orders them.
void MarkStanding(std::span<const NormalisedWord> words, std::vector<NumberReading>& readings);

}  // namespace sotto
