// Understands beforehand what callers say first most often: makes what route/warm_answers.h reads.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "brain/brain.h"
#include "route/threshold.h"
#include "route/warm_answers.h"

namespace sotto {

struct WarmOptions {
  size_t most = 1000;  // entries
  Thresholds accept;   // from when on an understanding is believed, by its confidence or
  std::shared_ptr<const SuretyJudge> judge = nullptr;  // by what this says
};

struct WarmMade {
  WarmFile file;
  size_t asked = 0;     // different sentences that were understood
  size_t unsure = 0;    // of them not believed, or differently when heard and when typed
  size_t not_kept = 0;  // acts, hands over, hangs on the day, does not fit, or nobody's: never kept
};

// `sentences`: what callers began with, each as often as it was said. Typed and spoken must mean the same. Blocks, some
// milliseconds a sentence.
Result<WarmMade> MakeWarmFile(std::shared_ptr<const Brain> brain, std::span<const std::string> sentences,
                              const WarmOptions& options);

}  // namespace sotto
