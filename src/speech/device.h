// Microphones and loudspeakers of this machine (PortAudio).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/audio.h"

namespace sotto {

struct AudioDeviceInfo {
  int index = 0;
  std::string name;
  std::string system;  // ALSA, PulseAudio, ...
  int inputs = 0;      // channels
  int outputs = 0;
  double rate_hz = 0;  // its usual rate
  bool default_input = false;
  bool default_output = false;
};

// What is plugged in now. Empty on a machine without sound.
std::vector<AudioDeviceInfo> ListAudioDevices();

// Microphone and loudspeaker together, at 16 kHz in frames of 10 ms; other rates are converted. PortAudio's
// thread and the caller exchange samples through lock-free rings. One thread calls.
// When a device goes away Read() and Write() report kUnavailable; Reopen() takes whatever is the default by
// then.
class AudioDevice {
 public:
  // Empty names: the defaults. A name is an index of ListAudioDevices() or part of a device's name. kNotFound
  // says which devices there are.
  static Result<std::unique_ptr<AudioDevice>> Open(const std::string& microphone,
                                                   const std::string& loudspeaker);
  ~AudioDevice();
  AudioDevice(const AudioDevice&) = delete;
  AudioDevice& operator=(const AudioDevice&) = delete;

  // The next frame of the microphone; waits for it, at most half a second. REQUIRES: kFrameSamples.
  Result<void> Read(std::span<float> frame);
  // Queues a frame to be played. REQUIRES: kFrameSamples.
  Result<void> Write(std::span<const float> frame);
  Result<void> Reopen();

 private:
  AudioDevice() = default;
  struct Streams;
  std::unique_ptr<Streams> streams_;
  std::string microphone_;
  std::string loudspeaker_;
};

}  // namespace sotto
