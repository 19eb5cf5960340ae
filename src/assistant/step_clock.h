// Time for conversations that run faster (or slower) than real time: 10 ms a step, plus the real time that
// was spent inside the step. What is measured with it is what a caller would have waited, had the audio come
// in real time and the machine been otherwise idle.
#pragma once

#include <chrono>

#include "base/clock.h"

namespace sotto {

// One thread.
class StepClock final : public Clock {
 public:
  TimePoint Now() const override { return base_ + (real_.Now() - step_began_); }
  std::chrono::system_clock::time_point WallNow() const override { return real_.WallNow(); }
  // Begins the next step.
  void NextStep() {
    base_ += std::chrono::milliseconds(10);
    step_began_ = real_.Now();
  }

 private:
  SystemClock real_;
  TimePoint base_{};
  TimePoint step_began_ = real_.Now();
};

}  // namespace sotto
