// A workflow's network of specialists on the scheduler: asked when a turn's words are there, told later, beside
// whoever understands them. Immutable; any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/scheduler.h"
#include "core/calendar.h"
#include "specialist/network.h"

namespace sotto {

class TurnNetwork {
 public:
  using Done = std::function<void(Result<Json>)>;

  // `scheduler` outlives it.
  TurnNetwork(std::shared_ptr<const Network> network, Scheduler& scheduler)
      : network_(std::move(network)), scheduler_(scheduler) {}

  const Network& network() const { return *network_; }
  Duration budget() const { return std::chrono::milliseconds(network_->budget_ms()); }

  // `done` is told name -> annotation, once, from any thread; kTimeout where `limit` passed.
  void Ask(std::string text, std::optional<Date> today, CallSoFar call, Duration limit, Done done) const;

 private:
  const std::shared_ptr<const Network> network_;
  Scheduler& scheduler_;
};

}  // namespace sotto
