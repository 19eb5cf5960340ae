// Ears, a brain and a voice that take their time, for benchmarks of what happens to everybody else: as a slow
// network service would, they hold no core while they do.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/scheduler.h"
#include "core/understander.h"
#include "speech/live_recognizer.h"
#include "speech/synthesizer.h"

namespace sotto {

// Hears what `said` says, when the utterance has ended and `takes` has passed; no partials. `said` is asked
// on the session's thread.
class SlowRecognizers final : public LiveRecognizerPool {
 public:
  SlowRecognizers(Scheduler& scheduler, std::chrono::milliseconds takes, std::function<std::string()> said)
      : scheduler_(scheduler), takes_(takes), said_(std::move(said)) {}
  Result<std::unique_ptr<LiveRecognizer>> Acquire() override;
  std::string name() const override { return "stand-in"; }

 private:
  Scheduler& scheduler_;
  const std::chrono::milliseconds takes_;
  const std::function<std::string()> said_;
};

// `inner`, whose answers come `takes` later.
std::unique_ptr<Understander> MakeSlow(std::unique_ptr<Understander> inner, Scheduler& scheduler,
                                       std::chrono::milliseconds takes);

// Hums for as long as words take, at once.
std::shared_ptr<Synthesizer> MakeHummingVoice();

}  // namespace sotto
