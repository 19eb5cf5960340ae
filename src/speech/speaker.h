// Says replies: turns them into 10 ms frames for the loudspeaker, starting as early as possible, stopping at
// once, and knowing what was really played.
//
// A reply is said sentence by sentence. Sentences in the phrase cache start at once; others stream from the
// synthesizer, the next one being synthesised while one plays.
// Threads: one thread calls everything here; the synthesizer runs on the SynthesisQueue's thread, or inline
// where there is none (tests, faster than real time).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "core/reply.h"
#include "speech/phrase_cache.h"

namespace sotto {

// A thread that synthesises for any number of speakers, in the order it was asked. Any thread.
class SynthesisQueue {
 public:
  SynthesisQueue();
  ~SynthesisQueue();
  void Post(std::function<void()> job) { jobs_.Push(std::move(job)); }

 private:
  BoundedQueue<std::function<void()>> jobs_{4096, WhenFull::kBlock};
  std::thread thread_;
};

class Speaker {
 public:
  // What of a reply reached the loudspeaker.
  struct Heard {
    std::chrono::milliseconds audio{0};
    std::string text;  // about: whole sentences, of the last one the share of its words that was played
    bool all = false;
  };

  // `queue` may be null: synthesis then happens inside Say(). `wait`: frames are never late, NextFrame()
  // waits for the synthesizer instead (conversations that do not run in real time). All outlive the speaker.
  Speaker(std::shared_ptr<PhraseCache> cache, SynthesisQueue* queue, bool wait = false);
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
  static void Synthesise(Synthesizer& synthesizer, const std::shared_ptr<Unit>& unit);

  const std::shared_ptr<PhraseCache> cache_;
  SynthesisQueue* const queue_;
  const bool wait_;
  std::vector<std::shared_ptr<Unit>> units_;
  size_t unit_ = 0;      // the one being played
  size_t position_ = 0;  // sample in it
  bool paused_ = false;
  bool fading_ = false;
  int64_t late_frames_ = 0;
  size_t played_samples_ = 0;
  std::optional<Heard> stopped_;  // what was heard of a reply that was stopped
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
