// Where in an utterance somebody speaks: from the first to the last voiced moment, as the audio comes in. Silero's
// voice detector (acoustic/voice_activity.h) where it is there, otherwise levels against the quietest that was heard.
// It follows the level, so that a quiet microphone is heard as a loud one is. One thread; about 0.15 ms for 32 ms of
// sound.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "acoustic/voice_activity.h"

namespace sotto {

class VoiceTrack {
 public:
  // `model` may be null.
  explicit VoiceTrack(std::shared_ptr<const VoiceActivityModel> model);

  // 16 kHz mono. What is left over of a frame of 32 ms waits for the next samples.
  void Feed(std::span<const float> samples);
  // A new utterance.
  void Reset();

  // Samples since Reset(). Empty: no voice yet.
  std::optional<size_t> first_voiced() const { return first_; }
  size_t last_voiced() const { return last_; }  // behind it
  // Forgets the voice so far: what was spoken before `sample` belongs to another utterance.
  void ForgetBefore(size_t sample);
  size_t fed() const { return fed_; }
  // Root mean square of the voiced frames; 0: none.
  float level() const;

 private:
  static constexpr float kFirstFloor = 0.003f;  // -50 dBFS, until it was quieter
  void Frame(std::span<const float> frame);

  std::optional<VoiceActivity> detector_;
  std::vector<float> waiting_;
  std::vector<float> scaled_;
  size_t fed_ = 0;  // samples in whole frames
  size_t last_ = 0;
  std::optional<size_t> first_;
  int run_ = 0;  // voiced frames in a row
  double voiced_energy_ = 0;
  size_t voiced_frames_ = 0;
  float loudest_ = 0;  // follows the level of the frames
  float quietest_ = kFirstFloor;
};

}  // namespace sotto
