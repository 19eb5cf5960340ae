#include "server/hearing_buffer.h"

#include <algorithm>

#include "base/check.h"

namespace sotto {
namespace {

constexpr size_t kMost = 2 * kSampleRateHz;
constexpr size_t kWaitStep = 2 * kFrameSamples;
constexpr size_t kWaitMost = 12 * kFrameSamples;
constexpr size_t kSlack = 3 * kFrameSamples;
constexpr float kQuiet = 0.006f;  // -44 dBFS, peak

bool IsQuiet(std::span<const float> samples) {
  return std::all_of(samples.begin(), samples.end(),
                     [](float sample) { return sample < kQuiet && sample > -kQuiet; });
}

}  // namespace

void HearingBuffer::Put(std::span<const float> samples) {
  const std::lock_guard lock(mutex_);
  samples_.insert(samples_.end(), samples.begin(), samples.end());
  if (samples_.size() - read_ > kMost) {
    const size_t excess = samples_.size() - read_ - kMost;
    read_ += excess;
    counters_.lost_samples += excess;
  }
  if (read_ > kMost) {
    samples_.erase(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(read_));
    read_ = 0;
  }
}

void HearingBuffer::Take(std::span<float> frame) {
  SOTTO_CHECK(frame.size() == kFrameSamples);
  const std::lock_guard lock(mutex_);
  size_t there = samples_.size() - read_;
  if (filling_ && there >= counters_.wait_samples) filling_ = false;
  if (filling_ || there < kFrameSamples) {
    if (!filling_ && sounding_) {
      ++counters_.gaps;
      counters_.wait_samples = std::min(counters_.wait_samples + kWaitStep, kWaitMost);
    }
    filling_ = true;
    sounding_ = false;
    std::fill(frame.begin(), frame.end(), 0.0f);
    return;
  }
  std::span<const float> next(samples_.data() + read_, kFrameSamples);
  if (there > counters_.wait_samples + kSlack && there >= 2 * kFrameSamples && IsQuiet(next)) {
    read_ += kFrameSamples;
    next = {samples_.data() + read_, kFrameSamples};
  }
  sounding_ = !IsQuiet(next);
  std::copy(next.begin(), next.end(), frame.begin());
  read_ += kFrameSamples;
  if (read_ == samples_.size()) {
    samples_.clear();
    read_ = 0;
  }
}

HearingBuffer::Counters HearingBuffer::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace sotto
