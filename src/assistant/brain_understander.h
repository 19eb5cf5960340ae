// The brain as an Understander: its session's work on a strand of the scheduler, in order, beside whoever
// drives the conversation. Words that are heard while older ones still wait take their place.
#pragma once

#include <memory>

#include "base/scheduler.h"
#include "core/understander.h"

namespace sotto {

class Brain;

// `scheduler` outlives it.
std::unique_ptr<Understander> MakeBrainUnderstander(std::shared_ptr<const Brain> brain, Scheduler& scheduler);

}  // namespace sotto
