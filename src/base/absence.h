// Somebody who can be done without and does not answer: left alone for a while, which the log says once, and once when
// they are back. Unlike a CircuitBreaker it counts nothing: one failure is enough, and after the while all may ask again.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/log.h"

namespace sotto {

// A value; whoever owns it locks.
class Absence {
 public:
  // `who` as the log names it ("redis at 127.0.0.1:6379"), `without` what is missing then ("what it keeps"). Without
  // `warns` nothing is said of the absence.
  Absence(std::string who, std::string without, Duration stay_away, bool warns)
      : who_(std::move(who)), without_(std::move(without)), stay_away_(stay_away), warns_(warns) {}

  const std::string& who() const { return who_; }
  bool MayAsk(TimePoint now) const { return now >= until_; }

  void Lost(std::string_view why, TimePoint now) {
    until_ = now + stay_away_;
    if (!std::exchange(said_, true) && warns_) Log().warn("{}: {}; going on without {}", who_, why, without_);
  }
  void Answered() {
    if (std::exchange(said_, false)) Log().info("{}: back", who_);
  }

 private:
  const std::string who_;
  const std::string without_;
  const Duration stay_away_;
  const bool warns_;
  TimePoint until_{};
  bool said_ = false;
};

}  // namespace sotto
