// Between the microphone and the recognizer, 10 ms at a time: high-pass, echo cancellation against what is
// being played, optional noise suppression and gain control, and the decision whether somebody speaks.
//
// A quiet microphone is raised, by up to 40 dB, to where voice detector and recognizer are at home: as far as the
// loudest speech so far asks for it (not while something is played: what is left of its echo is quiet, too), a decibel
// a frame. Usual levels are left as they are.
//
// The signal processing is WebRTC's audio processing module. Speech is declared only where its strictest
// voice detector agrees with an energy gate over the tracked noise floor and, where there is one, with the neural
// detector of the ears (acoustic/voice_activity.h), which tells voices from noises of a kitchen: the best of what was
// tried. One thread.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "base/error.h"
#include "core/audio.h"

namespace sotto {

class VoiceActivityModel;

struct FrontEndOptions {
  bool echo_cancellation = true;   // off for telephone lines and recordings: nothing comes back
  int echo_delay_ms = -1;          // from Played() to the microphone; -1: unknown, found by the canceller
  bool noise_suppression = false;  // pleasant for people, bad for recognizers in quiet
  bool gain_control = false;
  double gate_db = 8;  // over the noise floor
  // Has to agree that somebody speaks; null: there is none. 0.1 ms every 32 ms.
  std::shared_ptr<const VoiceActivityModel> voice_activity = nullptr;
};

class FrontEnd {
 public:
  using Options = FrontEndOptions;

  struct Frame {
    bool voiced = false;
    double level_db = -100;  // of the cleaned frame, dBFS, before it was raised
    double floor_db = -100;  // of the noise, likewise
  };

  static Result<std::unique_ptr<FrontEnd>> Create(Options options);
  ~FrontEnd();
  FrontEnd(const FrontEnd&) = delete;
  FrontEnd& operator=(const FrontEnd&) = delete;

  // What the loudspeaker gets, before the microphone's frame of the same time. REQUIRES: kFrameSamples.
  void Played(std::span<const float> frame);
  // Cleans the microphone's frame in place. REQUIRES: kFrameSamples.
  Frame Process(std::span<float> frame);

 private:
  struct Apm;
  explicit FrontEnd(Options options);
  // Whether the neural detector agrees: its last word, at most 32 ms old.
  bool NeuralAgrees(std::span<const float> frame);
  // Both in dBFS, of the frame without the gain.
  void FollowLevel(double level_db, double floor_db);

  const Options options_;
  std::unique_ptr<Apm> apm_;
  // Lowest level of each of the last blocks of half a second; the floor is the lowest of them.
  static constexpr size_t kBlocks = 6;
  std::array<double, kBlocks> block_minimum_;
  size_t block_ = 0;
  int frames_in_block_ = 0;
  double loudest_db_ = kUnknownDb;  // of speech, slowly forgotten
  double gain_db_ = 0;
  int frames_since_played_ = 1000;
  static constexpr double kUnknownDb = 0;
};

}  // namespace sotto
