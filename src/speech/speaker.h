// Says replies: turns them into 10 ms frames for the loudspeaker, starting as early as possible, stopping at
// once, and knowing what was really played.
//
// A reply is said sentence by sentence. Sentences in the phrase cache start at once; others stream from the
// synthesizer, the next one being synthesised while one plays. A sentence that has no end ten seconds after it
// was needed is over and an error; what is stopped before its turn is never synthesised.
// Threads: one thread calls everything here; the synthesizer runs on the scheduler.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "core/reply.h"
#include "speech/phrase_cache.h"

namespace sotto {

class Speaker {
 public:
  // What of a reply reached the loudspeaker.
  struct Heard {
    std::chrono::milliseconds audio{0};
    std::string text;  // about: whole sentences, of the last one the share of its words that was played
    bool all = false;
  };

  // `strand`: where a synthesizer that takes turns does so. `wait`: frames are never late, NextFrame() waits
  // for the synthesizer instead (conversations that do not run in real time). The scheduler outlives the
  // speaker.
  Speaker(std::shared_ptr<PhraseCache> cache, Scheduler& scheduler, const Scheduler::Strand& strand,
          bool wait = false);
  ~Speaker();
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;

  // Says `reply` from now on; what was being said before is dropped.
  void Say(const Reply& reply);
  // Adds to what is being said.
  void Append(const Reply& reply);
  // Silence after a short fade; the rest is kept until Resume() or Stop().
  void Pause();
  // Goes on a little before where it was paused, at the last gap between words.
  void Resume();
  void Stop();

  // Fills `frame` (kFrameSamples); silence where there is nothing to say. True if any of it is speech of a
  // reply.
  bool NextFrame(std::span<float> frame);

  // Something is left to be said, paused or not.
  bool busy() const { return unit_ < units_.size(); }
  bool paused() const { return paused_; }
  Heard heard() const;
  // Frames that should have held speech but came before the synthesizer.
  int64_t late_frames() const { return late_frames_; }
  // A sentence could not be synthesised: its error, once.
  std::optional<Error> TakeError();

 private:
  // One sentence, filled by the synthesizer, read by the speaker.
  struct Unit;

  void Add(const Reply& reply);
  void Post(const std::shared_ptr<Unit>& unit, bool fixed);

  const std::shared_ptr<PhraseCache> cache_;
  Scheduler& scheduler_;
  const Scheduler::Strand strand_;
  const bool wait_;
  std::vector<std::shared_ptr<Unit>> units_;
  size_t unit_ = 0;      // the one being played
  size_t position_ = 0;  // sample in it
  bool paused_ = false;
  bool fading_ = false;
  int64_t late_frames_ = 0;
  size_t played_samples_ = 0;
  std::optional<Heard> stopped_;  // what was heard of a reply that was stopped
  std::optional<Error> error_;    // of a sentence of it
};

// The sentences of a reply: its parts put together, then cut after each . ? ! that ends one. `fixed`: made of
// fixed parts only.
struct Sentence {
  std::string text;
  bool fixed = true;
};
std::vector<Sentence> SentencesOf(const Reply& reply);
// Those of fixed template parts that are whole sentences: what is worth warming the phrase cache with.
std::vector<std::string> WarmableSentences(std::span<const std::string> fixed_parts);

}  // namespace sotto
