// Between a line that delivers when it can and a session that hears 10 ms every 10 ms: a small jitter buffer.
// It waits a little before speech is passed on; how long grows where the line stutters, and what has piled up
// is left out again where it is quiet. One thread puts, another takes.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "core/audio.h"

namespace sotto {

class HearingBuffer {
 public:
  // Any number of samples at 16 kHz. What is more than two seconds behind is dropped, the oldest first.
  void Put(std::span<const float> samples);
  // The next frame (kFrameSamples); silence where there is none.
  void Take(std::span<float> frame);

  struct Counters {
    uint64_t lost_samples = 0;  // dropped, because too many came
    uint64_t gaps = 0;          // in the middle of sound
    size_t wait_samples = 0;    // how much is held back now
  };
  Counters counters() const;

 private:
  mutable std::mutex mutex_;
  // All guarded by mutex_.
  std::vector<float> samples_;
  size_t read_ = 0;
  bool filling_ = true;
  bool sounding_ = false;  // the last frame was not quiet
  Counters counters_{.wait_samples = 2 * kFrameSamples};
};

}  // namespace sotto
