// Words in, speech out. Text is already written for the ear (text/speak.h, core/reply.h).
// Backends: speech/flite.h (embedded), speech/espeak.h (if the machine has it), speech/wyoming.h and
// speech/openai_audio.h (network).
// Threads: any number may call Speak; backends that cannot, take turns inside.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "core/audio.h"

namespace sotto {

class Synthesizer {
 public:
  // 16 kHz mono, in order, on the calling thread, valid during the call. False stops the synthesis.
  using Sink = std::function<bool(std::span<const float> samples)>;

  virtual ~Synthesizer() = default;
  // Returns when all has been given to `sink`; kCancelled after the sink returned false. Text without a
  // pronounceable word gives no audio and no error.
  virtual Result<void> Speak(std::string_view text, const Sink& sink) = 0;
  // Engine, voice and settings: the same name and text always give the same audio. Names cache entries.
  virtual std::string name() const = 0;
  // Waits for a network rather than compute.
  virtual bool blocks() const { return false; }
  // Speak() is done for one caller at a time: further threads would only wait.
  virtual bool takes_turns() const { return false; }
};

// Everything at once.
Result<Audio> SynthesizeAll(Synthesizer& synthesizer, std::string_view text);

}  // namespace sotto
