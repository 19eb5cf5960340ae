// Whoever makes calls of what the user says: the brain, rules, a cache, a cascade of them, a script. One for
// each conversation; whoever drives the conversation cannot tell which it is.
//
//   Begin -> Hear... -> Commit | Abandon -> Begin ...
//
// Nothing here waits: each call returns at once, and what it asked for is told later through a completion,
// exactly once, from any thread, possibly before the call returns; completions are short and never block.
// What has been asked is done in the order in which it was asked.
// One thread at a time calls. Destroying it abandons what is under way; its completions may still come.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/conversation.h"
#include "core/transcript.h"
#include "core/understanding.h"

namespace sotto {

class Understander {
 public:
  using Done = std::function<void(Result<Understanding>)>;

  virtual ~Understander() = default;

  // Prepares for the next utterance: everything that is known before it. `offered`: tools that make sense
  // now, control tools among them. What fails here is told by Commit.
  virtual void Begin(Conversation history, Expectation expectation, std::vector<std::string> offered) = 0;

  // The user is still speaking; `partial` is all that was heard so far. `peek`, where not null, is told what
  // the utterance would mean if it ended here: kUnsupported where that cannot be known, kCancelled where
  // newer words came first. REQUIRES: after Begin.
  virtual void Hear(std::string partial, Done peek) = 0;

  // The turn is over: these readings, best first, not empty. Told within `limit`, or kTimeout: the answer is
  // then dropped. At least one call, unless it is an error. Afterwards Begin must be called again.
  virtual void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Done done) = 0;

  // The utterance never happened (noise, false start). Afterwards Begin must be called again.
  virtual void Abandon() = 0;

  // What somebody who only understands along made of the words of the last Commit, as far as it has come:
  // taken once, for the record. Nobody acts on it.
  virtual std::optional<Understanding> TakeShadow() { return std::nullopt; }
};

}  // namespace sotto
