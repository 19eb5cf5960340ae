// Hearing for a live call: a recognizer that nobody ever waits for.
//
//   NewCaller -> (Start -> Feed... [Partial...] -> Finish | Cancel)...
//
// Each call costs microseconds and returns at once. Partials and finals are told through completions: once
// each, from any thread, possibly before the call returns; the reader compares what they belong to and drops
// what is stale. What goes wrong with an utterance (it cannot be started, audio is lost) is told by Finish.
// Finals are asked for and come later, as in pipecat (request_finalize, confirm_finalize).
// One thread at a time calls. Destroying it ends what is under way; completions may still come.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "speech/recognizer.h"

namespace sotto {

class LiveRecognizer {
 public:
  // Null: this engine tells nothing before the final, or the utterance is in no state to.
  using PartialDone = std::function<void(std::optional<Transcript>)>;
  using FinalDone = std::function<void(Result<Transcript>)>;

  virtual ~LiveRecognizer() = default;

  virtual void NewCaller() = 0;
  // As Recognizer::SetPhrases.
  virtual void SetPhrases(std::vector<std::string> /*phrases*/) {}
  virtual void Start(ListeningMode mode) = 0;
  // 16 kHz mono in [-1, 1], any length. REQUIRES (this and the next two): started.
  virtual void Feed(std::span<const float> samples) = 0;
  // What was heard of the audio fed so far. `pausing`: the speaker has fallen silent, so that the end of the turn may
  // wait for it. Otherwise it is for the screen and for listening along: on a busy machine it gives way to what
  // somebody waits for, and tells less then.
  virtual void Partial(bool pausing, PartialDone done) = 0;
  // Ends the utterance. Told within `limit`, or kTimeout: what comes later is dropped. Another may be started
  // before.
  virtual void Finish(Duration limit, FinalDone done) = 0;
  // Ends the utterance without a result. No effect if none is open.
  virtual void Cancel() = 0;
};

// Any thread. Outlives its recognizers.
class LiveRecognizerPool {
 public:
  virtual ~LiveRecognizerPool() = default;
  // A recognizer ready for a new caller. May take as long as an engine takes to start.
  virtual Result<std::unique_ptr<LiveRecognizer>> Acquire() = 0;
  // As RecognizerPool::name.
  virtual std::string name() const = 0;
};

// Engines on strands of a scheduler. Audio that an engine is too slow for waits, at most 30 s of it: what is
// older is dropped and the utterance fails, saying so. The scheduler outlives all of it but what runs on it.
std::unique_ptr<LiveRecognizerPool> MakeLiveRecognizers(std::shared_ptr<RecognizerPool> pool,
                                                        Scheduler& scheduler);

}  // namespace sotto
