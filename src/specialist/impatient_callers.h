// Simulated callers with a patience of their own, for want of rated calls that may be used: what they say and what becomes
// of it, until they are served or give up. Sentences are drawn from two halves of our own lists, so that a model is
// measured on wording that it was not trained on. What a model learns here is how these callers were thought up; its
// figures are of them and of nobody else. Deterministic by seed.
#pragma once

#include <cstdint>
#include <vector>

#include "specialist/escalation_risk.h"

namespace sotto {

struct ImpatientCallers {
  size_t calls = 0;
  uint64_t seed = 1;
  bool other_words = false;  // the second half of the sentences
};
// Every turn of every call but those that ask for a person outright.
std::vector<JudgedMoment> SimulateImpatientCallers(const ImpatientCallers& options);

}  // namespace sotto
