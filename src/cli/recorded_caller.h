// A caller made of recordings, and the loop that lets it talk to Sotto: `sotto talk --wav`, `sotto demo` and
// `sotto bench voice`.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "assistant/voice_session.h"
#include "cli/voice_terminal.h"
#include "core/audio.h"

namespace sotto {

// Says its recordings one after the other, each when Sotto has waited for a moment. A recording may be marked
// to interrupt: it begins while Sotto speaks. One thread.
class RecordedCaller {
 public:
  struct Recording {
    std::string text;  // for people; may be a file name
    Audio audio;       // 16 kHz; silence at its ends is dropped
    bool interrupts = false;
  };

  explicit RecordedCaller(std::vector<Recording> recordings) : recordings_(std::move(recordings)) {}
  // The whole call as one stream, from the first frame on: replays.
  static RecordedCaller Replay(Audio call);

  void NextFrame(const VoiceSession& session, std::span<float> frame);

  // Nothing is left to be said.
  bool done() const { return next_ >= recordings_.size() && position_ == 0; }
  // In the middle of a recording.
  bool speaking() const { return position_ > 0; }
  std::chrono::milliseconds left() const;
  // Frames since the last recording ended.
  int frames_since_speech() const { return frames_since_speech_; }
  // Index of the recording being said, or said last; -1 before the first.
  int current() const { return static_cast<int>(next_) - 1; }
  const Recording& recording(size_t index) const { return recordings_[index]; }

 private:
  std::vector<Recording> recordings_;
  size_t next_ = 0;
  std::vector<float> now_;  // what is being said
  size_t position_ = 0;     // in it; 0: silent
  int waited_frames_ = 0;
  int frames_since_speech_ = 0;
  bool replay_ = false;
};

// The room of a call: what the microphone hears besides the caller, and what the loudspeaker plays.
class Room {
 public:
  virtual ~Room() = default;
  virtual void AddTo(std::span<float> microphone) = 0;
  // The loudspeaker's frame of the same time. `speaking`: the caller. `paused`: Sotto, in a reply.
  virtual void Played(std::span<const float> loudspeaker, bool speaking, bool paused) = 0;
};

struct CallOptions {
  bool fast = false;        // as fast as the machine can; the clock is a StepClock then
  bool fake_clock = false;  // fast, and time is steps alone: the same audio gives the same call
  std::string out;          // stereo recording of the call; empty: none
  std::chrono::seconds limit{600};
  Room* room = nullptr;  // null: silent, without echo
};

struct CallResult {
  double seconds = 0;  // of the call
  double late_frames = 0;
  bool ended = false;  // by Sotto
  std::optional<HandOff> hand_off;
};

// Until Sotto ends the call, the caller has nothing to say and no reply is under way, or the limit.
Result<CallResult> RunCall(VoiceTerminal& terminal, RecordedCaller& caller, const CallOptions& options,
                           VoiceOptions voice, VoiceSession::Callbacks callbacks);

// How a turn went, for people: what was heard, called and said, and where the milliseconds went. `said`: what
// the caller really said, shown where something else was heard; empty: not known.
void PrintTurn(const TurnRecord& record, std::string_view said = {});

}  // namespace sotto
