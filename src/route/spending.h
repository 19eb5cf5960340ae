// What the remote steps of a route may cost in a day (UTC), all conversations together. Any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <mutex>

#include "base/clock.h"

namespace sotto {

class Spending {
 public:
  // USD. `clock` outlives it.
  Spending(const Clock& clock, double most_a_day) : clock_(clock), most_(most_a_day) {}

  // Whether so much more may be spent today.
  bool Allows(double cost) {
    const std::lock_guard lock(mutex_);
    Turn();
    return spent_ + cost <= most_;
  }
  void Add(double cost) {
    const std::lock_guard lock(mutex_);
    Turn();
    spent_ += cost;
  }
  double today() {
    const std::lock_guard lock(mutex_);
    Turn();
    return spent_;
  }
  double most() const { return most_; }

 private:
  void Turn() {
    const auto day = std::chrono::floor<std::chrono::days>(clock_.WallNow());
    if (day == day_) return;
    day_ = day;
    spent_ = 0;
  }

  const Clock& clock_;
  const double most_;
  std::mutex mutex_;
  std::chrono::sys_days day_{};  // guarded by mutex_
  double spent_ = 0;             // guarded by mutex_
};

}  // namespace sotto
