// Decides where an utterance begins and ends, frame by frame.
//
//   quiet --speech--> speaking --pause long enough--> quiet
//     |                   |
//     no input            too long
//
// How long a pause must be follows the question that was asked and what has been understood so far: a short
// one after yes/no, a long one while digits are dictated, a short one again once everything asked for was
// said. Pure state machine over 10 ms frames: no clock, no audio. One thread; a value.
#pragma once

#include <chrono>
#include <string_view>

#include "core/json.h"
#include "speech/domain_text.h"

namespace sotto {

struct EndpointOptions {
  std::chrono::milliseconds open{600};
  std::chrono::milliseconds yes_no{250};
  std::chrono::milliseconds choice{350};
  std::chrono::milliseconds digits{1200};  // until the count is reached
  std::chrono::milliseconds amount{550};
  std::chrono::milliseconds complete{260};    // what was understood needs nothing more
  std::chrono::milliseconds understood{450};  // ... is clear, though more will have to be asked
  std::chrono::milliseconds no_input{7000};
  std::chrono::milliseconds max_utterance{20000};
  int onset_frames = 6;  // voiced frames out of the last ten that begin an utterance

  // `endpointing:` of the workflow's policy: {open_ms: 600, yes_no_ms: 250, ..., no_input_ms,
  // max_utterance_ms}. The error names the key.
  static Result<EndpointOptions> FromPolicy(const Json& policy);
};

class Endpointer {
 public:
  enum class Event {
    kNone,
    kSpeechStart,  // speech began onset_frames or a little more ago
    kSpeechEnd,    // the pause was long enough
    kTooLong,      // max_utterance; counts as an end
    kNoInput,      // nobody spoke for no_input since Listen()
  };

  explicit Endpointer(EndpointOptions options) : options_(options) {}

  // A new question: the no-input time starts now. Does not end an utterance under way.
  void Listen(ListeningMode mode);
  // No no-input event until Listen() (while Sotto speaks or acts).
  void Hold() { no_input_running_ = false; }

  Event Advance(bool voiced);

  // What is known about the utterance under way; may change with every partial.
  enum class Known { kNothing, kUnderstood, kComplete };
  void SetKnown(Known known) { known_ = known; }
  // More words than a plain answer to the question has: the pause of open speech applies.
  void SetLong(bool is_long) { long_ = is_long; }
  // Drops the utterance under way.
  void Reset();

  bool speaking() const { return speaking_; }
  // Since the last voiced frame; zero in speech.
  std::chrono::milliseconds silence() const { return std::chrono::milliseconds(silent_frames_ * 10); }
  // The pause that would end the utterance now.
  std::chrono::milliseconds needed() const;

 private:
  std::chrono::milliseconds UsualPause() const;

  EndpointOptions options_;
  ListeningMode mode_ = ListeningMode::kOpen;
  Known known_ = Known::kNothing;
  bool long_ = false;
  bool speaking_ = false;
  bool no_input_running_ = false;
  unsigned history_ = 0;  // the last frames, one bit each, newest lowest
  int silent_frames_ = 0;
  int utterance_frames_ = 0;
  int waiting_frames_ = 0;
};

}  // namespace sotto
