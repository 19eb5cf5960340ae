// The embedded synthesizer: flite, streaming. rms is the clearest of its voices in a recognise-back test:
// first audio after 20 ms, 0.01 x real time. flite keeps its voices for the whole program and is not
// reentrant: all FliteSynthesizers take turns, sentence by sentence.
#pragma once

#include <memory>

#include "speech/synthesizer.h"

namespace sotto {

struct FliteOptions {
  double speed = 1;  // 0.5 to 2
};

class FliteSynthesizer final : public Synthesizer {
 public:
  using Options = FliteOptions;

  // `voice`: rms, slt, awb, kal16.
  static Result<std::unique_ptr<FliteSynthesizer>> Create(std::string_view voice, Options options = {});
  Result<void> Speak(std::string_view text, const Sink& sink) override;
  std::string name() const override;
  bool takes_turns() const override { return true; }

 private:
  FliteSynthesizer(std::string voice, void* handle, Options options);

  const std::string voice_;
  void* const handle_;  // cst_voice, owned by flite
  const Options options_;
};

}  // namespace sotto
