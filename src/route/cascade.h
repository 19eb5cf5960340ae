// The understander that asks one after the other (route_plan.h): nobody who drives a conversation can tell it
// from one. One for each conversation.
//
//            .- sure enough ----------------------------> told: that
//   Commit --+- unsure, refused, late, failed, skipped -> the next step, with what is left of the time
//            '- nobody left ----------------------------> told: the best that was answered, else an error
//
// What became of each step stands in Understanding::route. It costs the local turn a few microseconds.
// Threads: as core/understander.h says. Its steps are called one at a time, wherever their completions come
// from; what is asked while a turn is being understood is done after it.
#pragma once

#include <memory>

#include "route/route_plan.h"

namespace sotto {

// REQUIRES: plan->Check(). `scheduler` outlives it, `clock` too: that of the deadlines.
std::unique_ptr<Understander> MakeCascade(std::shared_ptr<const RoutePlan> plan, Scheduler& scheduler);

// The last step: hands over to a person by calling `tool`.
std::unique_ptr<Understander> MakeHandOver(std::string tool);

}  // namespace sotto
