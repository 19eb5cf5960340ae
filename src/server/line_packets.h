// Cuts what a call says, which comes in frames of 10 ms, into the packets of 20 ms that a LineEncoder takes.
// Silence is not sent, except for the packets right after speech, which let out what resampling still holds.
// One thread at a time.
#pragma once

#include <span>
#include <vector>

#include "core/audio.h"

namespace sotto {

class LinePackets {
 public:
  // The packet (320 samples at 16 kHz) that this frame completes, where it is to be sent, else an empty one.
  // It stands until the next call.
  std::span<const float> Add(std::span<const float> frame, bool silent) {
    if (packet_.size() >= kSamples) packet_.clear();
    packet_.insert(packet_.end(), frame.begin(), frame.end());
    if (!silent) tail_ = kTail;
    if (packet_.size() < kSamples || tail_ == 0) return {};
    --tail_;
    return packet_;
  }

  // Whether the packet that Add gave last ends what is sent for now.
  bool over() const { return tail_ == 0; }

 private:
  static constexpr size_t kSamples = 2 * kFrameSamples;
  static constexpr int kTail = 3;  // packets, from the one that speech was in

  std::vector<float> packet_;
  int tail_ = 0;
};

}  // namespace sotto
