// A telephone that is not taken in hears one sentence and is then hung up on: no session, no ears, one recording that
// the voice has ready. Stepped like a call, counted as none.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "server/pacer.h"
#include "server/voice_call.h"

namespace sotto {

class BusySentence final : public Paced {
 public:
  // `over` is called once, on the pacer's thread, after the last frame.
  using Samples = std::shared_ptr<const std::vector<float>>;  // 16 kHz; null: only silence
  BusySentence(Samples sentence, std::shared_ptr<VoiceLine> line, std::function<void()> over)
      : sentence_(std::move(sentence)), line_(std::move(line)), over_(std::move(over)) {}

  bool Step(Duration late) override;

 private:
  const Samples sentence_;
  const std::shared_ptr<VoiceLine> line_;
  const std::function<void()> over_;
  size_t position_ = 0;  // sample
  int after_ = 0;        // frames of silence since
};

}  // namespace sotto
