// Whether a machine has answered the telephone: an answering machine, a mailbox, a recorded sentence. It listens to the
// other side from the moment the call is taken:
//
//   undecided --a short greeting, then silence for an answer--> human --words of a machine, or a beep--.
//       |-------words of a machine ("after the tone"), a beep after speech, speech without a pause--> machine
//       '-------nobody speaks, or nothing is decided in time------> human
//
// A person says "hello?" and waits; a machine talks on. What is heard in words or as a beep counts more than how long
// somebody talks: it makes a machine of what was taken for a person, for as long as `look_for`. Deterministic: the same
// frames and words give the same verdict at the same frame. A value; one thread. Sources: Asterisk's app_amd (greeting
// and pauses); the single tone of mailboxes as in ITU-T E.180 (300 to 2600 Hz, nothing beside it).
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/audio.h"
#include "text/phrase_list.h"

namespace sotto {

// A single steady tone in telephone sound.
class ToneDetector {
 public:
  // Of kFrameSamples, 16 kHz. Whether a tone is heard now.
  bool Hear(std::span<const float> frame);
  // Of the one that is heard, or was last.
  double hz() const { return hz_; }
  std::chrono::milliseconds length() const { return std::chrono::milliseconds(10 * frames_); }

 private:
  std::vector<float> window_;  // the last samples, 8 kHz
  double hz_ = 0;
  double last_hz_ = 0;  // of the frame before, whatever it was
  int frames_ = 0;      // of the tone so far
  int missing_ = 0;     // frames without it
};

class VoicemailDetector {
 public:
  enum class Verdict : uint8_t { kUndecided, kHuman, kMachineAnswered };
  struct Options {
    std::chrono::milliseconds nobody{4000};          // silence after which somebody is taken to wait
    std::chrono::milliseconds pause{800};            // silence that ends a greeting
    std::chrono::milliseconds short_greeting{2200};  // no longer: a person's
    std::chrono::milliseconds waits{1800};           // silence after which a longer one was a person's too
    std::chrono::milliseconds long_greeting{6000};   // without such a pause: a machine's
    std::chrono::milliseconds beep{160};             // at least
    std::chrono::milliseconds decide_within{20000};
    std::chrono::milliseconds look_for{30000};  // words and beeps change the verdict so long
  };

  // `phrases` outlives it (text/voicemail_phrases.h).
  explicit VoicemailDetector(const PhraseList& phrases) : VoicemailDetector(phrases, Options()) {}
  VoicemailDetector(const PhraseList& phrases, Options options) : phrases_(phrases), options_(options) {}

  // The next 10 ms of the other side: kFrameSamples, 16 kHz.
  void Hear(std::span<const float> frame);
  // All that was heard so far of what is being said, or what was said.
  void Words(std::string_view heard);

  Verdict verdict() const { return verdict_; }
  // What decided it: "words", "beep", "long_greeting", "short_greeting", "waits", "nobody", "time"; empty: undecided.
  std::string_view why() const { return why_; }
  // A machine, and it listens now: its beep is over, or it has been silent for `silence`.
  bool Listens(std::chrono::milliseconds silence) const;

 private:
  void Decide(Verdict verdict, std::string_view why);

  const PhraseList& phrases_;
  const Options options_;
  ToneDetector tone_;
  Verdict verdict_ = Verdict::kUndecided;
  std::string_view why_;
  double noise_ = 1e-4;  // power a sample of what is no speech
  // In frames of 10 ms.
  int heard_ = 0;
  int voiced_run_ = 0;   // of loud frames, short gaps forgiven
  int greeting_ = 0;     // of what is being said, small pauses included
  int spoken_ = 0;       // all speech so far
  int silent_ = 0;       // since speech or tone
  bool beeped_ = false;  // a tone is over, and nothing was said since
  bool in_tone_ = false;
};

}  // namespace sotto
