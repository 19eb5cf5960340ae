// One spoken conversation that a language model answers: ears and a mouth (assistant/spoken_exchange.h), stepped by the
// pacer, between a buffer that the client fills and a line that is given frames and told what was heard. What is said
// comes in sentences from whoever asks the model (server/realtime_model.h).
//
// Threads: all public functions but Step from any; the line is told on the pacer's thread, and must not block. The line
// lives as long as the call.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assistant/spoken_exchange.h"
#include "base/inbox.h"
#include "server/hearing_buffer.h"
#include "server/held_call.h"
#include "server/served_workflow.h"

namespace sotto {

class ServerMetrics;

class ModelCall final : public HeldCall {
 public:
  class Line {
   public:
    virtual ~Line() = default;
    // 10 ms for the ear. `silent`: there is nothing in it.
    virtual void OnFrame(std::span<const float> frame, bool silent) = 0;
    // As SpokenExchange::Callbacks.
    virtual void OnSpeech(bool speaks) = 0;
    virtual void OnPartial(std::string_view text) = 0;
    virtual void OnHeard(const Result<Transcript>& heard) = 0;
    // All up to this sentence was said, and its frames were given.
    virtual void OnSaid(uint64_t sentence) = 0;
    // After Stop(): what was heard of what was being said.
    virtual void OnStopped(const std::string& heard) = 0;
    // Last. `reason`: hung_up, server_stops.
    virtual void OnEnd(std::string_view reason) = 0;
  };

  // Blocks as long as a recognizer takes to start. `voice`: whose ears and mouth. `metrics` outlives the call, `model`
  // is what it is counted as. REQUIRES: voice->speaks().
  static Result<std::shared_ptr<ModelCall>> Open(ServedWorkflowPtr voice, std::string model,
                                                 ServerMetrics& metrics, std::shared_ptr<Line> line);
  ~ModelCall() override;

  // The microphone, at 16 kHz; or, where utterances come whole, one of them.
  void Hear(std::span<const float> samples) { hearing_.Put(samples); }
  void HearWhole(std::vector<float> samples);
  void Listen(bool listens);
  // An answer begins: what is said from now on is one.
  void Begin();
  // Sentences are numbered by the caller, upwards.
  void Say(std::string sentence, uint64_t number);
  void Stop();

  void HangUp(std::string reason) override;
  bool over() const override { return over_; }
  bool Step(Duration late) override;

 private:
  ModelCall(ServedWorkflowPtr voice, std::string model, ServerMetrics& metrics, std::shared_ptr<Line> line);

  const ServedWorkflowPtr voice_;
  const std::string model_;
  ServerMetrics& metrics_;
  HearingBuffer hearing_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::atomic<bool> over_{false};
  // The pacer's from here on.
  const std::shared_ptr<Line> line_;
  std::unique_ptr<SpokenExchange> exchange_;
  uint64_t sentence_ = 0;       // the last that was taken up
  std::optional<int> said_in_;  // frames until OnSaid
  std::string hang_up_;         // why; empty: not asked to
  int64_t late_frames_ = 0;
};

}  // namespace sotto
