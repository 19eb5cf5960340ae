// The brain as an Understander: its session's work on a strand of the scheduler, in order, beside whoever
// drives the conversation. Words that are heard while older ones still wait take their place.
#pragma once

#include <functional>
#include <memory>

#include "base/scheduler.h"
#include "core/understander.h"
#include "route/surety.h"

namespace sotto {

class Brain;
struct ConfidenceFeatures;

// What the brain's last decisions were like, as the route's judge takes it.
DecisionFacts FactsOf(const ConfidenceFeatures& features);

// `scheduler` outlives it.
std::unique_ptr<Understander> MakeBrainUnderstander(std::shared_ptr<const Brain> brain, Scheduler& scheduler);
// The same; how sure each understanding is by `judge` (null: nobody asks) is told as its one step (Understanding::route).
std::unique_ptr<Understander> MakeJudgedBrain(std::shared_ptr<const Brain> brain, Scheduler& scheduler,
                                              std::shared_ptr<const SuretyJudge> judge);

}  // namespace sotto
