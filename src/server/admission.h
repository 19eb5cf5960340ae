// Whether another call or session is taken in: no is said before those that are held would suffer.
//
//   open --the mean of a measure over `window` is above its limit--> closed
//    ^                                                                 |
//    '---- all of them are below `reopen` of their limits for `calm` --'
//
// Three measures: the processor (of this process, as a share of the cores that it may use), frames of speech that came
// late, and how many pieces of work wait for a thread (by Little's law: how long they waited together, per second; what waits
// for its time counts from then). A processor that is busy closes for calls only, and for written
// sessions where calls are held: writing that waits is slower, speech that waits is broken. The processor's mean lags
// behind, so calls that were let in within the window count with what a call takes (`call_cost`).
//
// docs/adr/0033 says why these. Threads: any; time is the clock's alone.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "server/problem.h"

namespace sotto {

class Admission {
 public:
  struct Options {
    double most_cpu = 0.85;     // 0..1; 0: not looked at, as of the next two
    double most_late = 5;       // frames a second
    double most_waiting = 500;  // pieces of work
    double reopen = 0.8;        // of each limit
    double call_cost = 0.04;    // cores
    std::chrono::milliseconds window{5000};
    std::chrono::milliseconds calm{5000};
  };
  // Totals since the process began.
  struct Reading {
    Duration cpu_time{0};
    int64_t late_frames = 0;
    Duration waited{0};  // by all work together, between its time and a thread
  };
  enum class Measure { kCpu, kLateFrames, kQueue };
  static constexpr std::array kMeasures{Measure::kCpu, Measure::kLateFrames, Measure::kQueue};
  struct State {
    double load = 0;  // the mean over the window
    double limit = 0;
    bool closed = false;
  };

  // `cores`: that the process may use (server/cpu_share.h). `clock` outlives it.
  Admission(const Clock& clock, Options options, double cores);

  // Once a second or so.
  void Observe(const Reading& reading);

  // Why not, or nothing: then it counts as begun.
  std::optional<Problem> AdmitCall();
  std::optional<Problem> AdmitSession(bool calls_are_held) const;
  // As AdmitCall would say now.
  bool closed_for_calls() const;
  State state(Measure measure) const;

 private:
  struct Sample {
    TimePoint at;
    Reading reading;
  };
  std::optional<Measure> WhyNoCall() const;  // REQUIRES: mutex_ is held
  Problem Busy(Measure measure) const;

  const Clock& clock_;
  const Options options_;
  const double cores_;
  mutable std::mutex mutex_;
  // All guarded by mutex_.
  std::deque<Sample> samples_;    // of the window, the oldest first
  std::deque<TimePoint> let_in_;  // calls, within the window
  std::array<State, 3> states_;   // by Measure
  std::optional<TimePoint> calm_since_;
};

std::string_view MeasureName(Admission::Measure measure);  // "cpu", "late_frames", "queue"

}  // namespace sotto
