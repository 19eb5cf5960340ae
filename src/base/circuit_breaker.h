// Leaves a backend alone that does not answer (Nygard, Release It!, 2nd edition, chapter 5).
//
//   closed --failures in a row--> open --`open` has passed--> half-open --one try succeeds--> closed
//                                   ^----------------------------'  it fails
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace sotto {

struct BreakerOptions {
  int failures = 5;  // in a row; 0: the breaker never opens
  Duration open = std::chrono::seconds(10);
  bool operator==(const BreakerOptions&) const = default;
};

// A value; whoever owns it locks.
class CircuitBreaker {
 public:
  enum class State { kClosed, kOpen, kHalfOpen };
  enum class Outcome { kAnswered, kFailed, kUnknown };

  explicit CircuitBreaker(BreakerOptions options) : options_(options) {}

  // A try wants to begin: its pass, or nullopt where it must not. Of a half-open breaker there is one pass at
  // a time.
  std::optional<uint64_t> Enter(TimePoint now) {
    if (state(now) == State::kOpen || (open_ && probing_)) return std::nullopt;
    probing_ = open_;
    return epoch_;
  }

  // What became of it. Late news, from before the breaker last opened or closed, change nothing.
  void Leave(uint64_t pass, Outcome outcome, TimePoint now) {
    if (pass != epoch_) return;
    if (outcome == Outcome::kUnknown) {
      probing_ = false;
    } else if (outcome == Outcome::kAnswered) {
      failures_ = 0;
      if (open_) Turn(false, now);
    } else if (open_ || (options_.failures > 0 && ++failures_ >= options_.failures)) {
      Turn(true, now);
      ++times_opened_;
    }
  }

  State state(TimePoint now) const {
    return !open_ ? State::kClosed : now - opened_at_ < options_.open ? State::kOpen : State::kHalfOpen;
  }
  uint64_t times_opened() const { return times_opened_; }

 private:
  void Turn(bool open, TimePoint now) {
    open_ = open;
    opened_at_ = now;
    probing_ = false;
    failures_ = 0;
    ++epoch_;
  }

  const BreakerOptions options_;
  bool open_ = false;
  bool probing_ = false;
  int failures_ = 0;
  TimePoint opened_at_{};
  uint64_t epoch_ = 0;
  uint64_t times_opened_ = 0;
};

}  // namespace sotto
