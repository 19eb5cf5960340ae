#include "server/admission.h"

#include <algorithm>

namespace sotto {
namespace {

size_t IndexOf(Admission::Measure measure) { return static_cast<size_t>(measure); }

}  // namespace

std::string_view MeasureName(Admission::Measure measure) {
  switch (measure) {
    case Admission::Measure::kCpu:
      return "cpu";
    case Admission::Measure::kLateFrames:
      return "late_frames";
    case Admission::Measure::kQueue:
      break;
  }
  return "queue";
}

Admission::Admission(const Clock& clock, Options options, double cores)
    : clock_(clock), options_(options), cores_(std::max(cores, 0.01)) {
  states_[IndexOf(Measure::kCpu)].limit = options_.most_cpu;
  states_[IndexOf(Measure::kLateFrames)].limit = options_.most_late;
  states_[IndexOf(Measure::kQueue)].limit = options_.most_waiting;
}

void Admission::Observe(const Reading& reading) {
  const std::lock_guard lock(mutex_);
  const TimePoint now = clock_.Now();
  samples_.push_back({now, reading});
  // The one before the window stays: rates are since then.
  while (samples_.size() > 2 && samples_[1].at <= now - options_.window) samples_.pop_front();
  while (!let_in_.empty() && let_in_.front() <= now - options_.window) let_in_.pop_front();
  const Sample& first = samples_.front();
  const double seconds = std::chrono::duration<double>(now - first.at).count();
  if (seconds <= 0) return;
  const double cpu_s = std::chrono::duration<double>(reading.cpu_time - first.reading.cpu_time).count();
  states_[IndexOf(Measure::kCpu)].load = cpu_s / seconds / cores_;
  states_[IndexOf(Measure::kLateFrames)].load =
      static_cast<double>(reading.late_frames - first.reading.late_frames) / seconds;
  states_[IndexOf(Measure::kQueue)].load =
      std::chrono::duration<double>(reading.waited - first.reading.waited).count() / seconds;
  bool calm = true;
  for (State& state : states_) {
    if (state.limit <= 0) continue;
    if (state.load > state.limit) state.closed = true;
    calm = calm && state.load < options_.reopen * state.limit;
  }
  if (!calm) {
    calm_since_.reset();
    return;
  }
  if (!calm_since_) calm_since_ = now;
  if (now - *calm_since_ < options_.calm) return;
  for (State& state : states_) state.closed = false;
}

std::optional<Admission::Measure> Admission::WhyNoCall() const {
  for (const Measure measure : kMeasures) {
    if (states_[IndexOf(measure)].closed) return measure;
  }
  if (options_.most_cpu <= 0) return std::nullopt;
  // What calls of the last seconds will take, as far as the mean has not seen it.
  const TimePoint now = clock_.Now();
  double unseen = 1;
  for (const TimePoint began : let_in_)
    unseen += std::clamp(1 - Milliseconds(now - began) / Milliseconds(options_.window), 0.0, 1.0);
  const double expected = states_[IndexOf(Measure::kCpu)].load + unseen * options_.call_cost / cores_;
  // Where nothing runs yet one call is let in whatever it takes.
  if (expected > options_.most_cpu && expected > options_.call_cost / cores_) return Measure::kCpu;
  return std::nullopt;
}

std::optional<Problem> Admission::AdmitCall() {
  const std::lock_guard lock(mutex_);
  if (const auto why = WhyNoCall()) return Busy(*why);
  let_in_.push_back(clock_.Now());
  return std::nullopt;
}

std::optional<Problem> Admission::AdmitSession(bool calls_are_held) const {
  const std::lock_guard lock(mutex_);
  for (const Measure measure : kMeasures) {
    if (!states_[IndexOf(measure)].closed) continue;
    if (measure == Measure::kCpu && !calls_are_held) continue;
    return Busy(measure);
  }
  return std::nullopt;
}

bool Admission::closed_for_calls() const {
  const std::lock_guard lock(mutex_);
  return WhyNoCall().has_value();
}

Admission::State Admission::state(Measure measure) const {
  const std::lock_guard lock(mutex_);
  return states_[IndexOf(measure)];
}

Problem Admission::Busy(Measure) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(options_.calm).count();
  return {503, "busy", "the server is busy and takes no more for now; try again in a moment",
          static_cast<int>(std::max<int64_t>(1, seconds))};
}

}  // namespace sotto
