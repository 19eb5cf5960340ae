// What a session needs of a brain. The one that counts is BrainUnderstander; tests script their own.
// One thread at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "core/conversation.h"
#include "core/transcript.h"
#include "core/understanding.h"

namespace sotto {

class Brain;

// See BrainSession (brain/brain.h) for what each of these promises.
class Understander {
 public:
  virtual ~Understander() = default;
  virtual Result<void> Begin(const Conversation& history, const Expectation& expectation,
                             std::span<const std::string> controls) = 0;
  virtual Result<void> Hear(std::string_view partial) = 0;
  virtual Result<Understanding> Peek() = 0;
  virtual Result<Understanding> Commit(std::span<const Transcript::Hypothesis> hypotheses) = 0;
  virtual void Abandon() = 0;
};

std::unique_ptr<Understander> MakeBrainUnderstander(std::shared_ptr<const Brain> brain);

}  // namespace sotto
