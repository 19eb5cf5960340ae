// Speech in, words out: the engines. A Recognizer listens to one caller, one utterance at a time:
//
//   NewCaller -> (Start -> Feed... -> Finish | Cancel)...
//
// Each of these may compute or wait; live calls hear through speech/live_recognizer.h, which never does.
// Partial() between Start and Finish is what was heard so far; it may change until Finish. A final never
// changes. Backends: speech/moonshine.h and speech/pocketsphinx.h (embedded), speech/wyoming.h and
// speech/openai_audio.h (network).
// Ownership: a pool makes recognizers and takes them back when they are destroyed; it outlives them.
// Threads: a pool is called from any thread, a recognizer from one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "core/transcript.h"
#include "speech/domain_text.h"

namespace sotto {

class Recognizer {
 public:
  virtual ~Recognizer() = default;

  // Forgets what was learned about the last caller's voice and line.
  virtual void NewCaller() = 0;
  // Names that this caller may say (payees, accounts), from the next Start() to the next NewCaller(). Engines that
  // cannot use them do not.
  virtual void SetPhrases(std::span<const std::string> /*phrases*/) {}
  virtual Result<void> Start(ListeningMode mode) = 0;
  // 16 kHz mono in [-1, 1], any length. REQUIRES: started.
  virtual Result<void> Feed(std::span<const float> samples) = 0;
  // REQUIRES: started. Text may be empty: nothing was heard so far; words have no confidence. Null: this engine
  // tells nothing before the final.
  virtual std::optional<Transcript> Partial() = 0;
  // Of the last partial: so many words no later partial of the utterance changes.
  virtual size_t stable_words() const { return 0; }
  // Ends the utterance. An utterance without words is a final with empty text, not an error.
  virtual Result<Transcript> Finish() = 0;
  // Ends the utterance without a result. No effect if none is open.
  virtual void Cancel() = 0;
  // Any thread: what is being computed for the utterance is no longer wanted; it ends soon, with an error. The
  // utterance must still be cancelled.
  virtual void Interrupt() {}
  // Any thread: somebody else needs the processor more than the partial that is being computed, if one is. It ends
  // soon, with what was heard before; the utterance goes on.
  virtual void Yield() {}
};

class RecognizerPool {
 public:
  virtual ~RecognizerPool() = default;
  // A recognizer ready for a new caller.
  virtual Result<std::unique_ptr<Recognizer>> Acquire() = 0;
  // For the turn record and messages: "pocketsphinx", "wyoming tcp://host:port", ...
  virtual std::string name() const = 0;
  // Its recognizers wait for a network rather than compute.
  virtual bool blocks() const { return false; }
};

}  // namespace sotto
