// A workflow that is served by voice with ears that hear what the test says, on a clock that the test advances: calls
// are stepped by hand, the brain and the actions are the real ones and answer at once.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "assistant/open_deployment.h"
#include "assistant/voice_script.h"
#include "server/metrics.h"
#include "server/voice_calls.h"

namespace sotto {

// What a line was given.
struct HeardLine final : VoiceLine {
  void OnFrame(std::span<const float> frame, bool /*silent*/) override {
    audio.insert(audio.end(), frame.begin(), frame.end());
  }
  void OnReply(const TurnRecord& record, const Json&) override { replies.push_back(record.reply.text); }
  void OnTurn(const TurnRecord& record) override { turns.push_back(record); }
  void OnEnd(std::string_view reason, const std::optional<HandOff>&) override { ended = reason; }
  bool hears_refusals() const override { return hears; }

  bool hears = false;
  std::vector<float> audio;
  std::vector<std::string> replies;
  std::vector<TurnRecord> turns;
  std::string ended;
};

inline double LoudnessOf(std::span<const float> samples) {
  double sum = 0;
  for (const float sample : samples) sum += static_cast<double>(sample) * sample;
  return samples.empty() ? 0 : std::sqrt(sum / static_cast<double>(samples.size()));
}

class ScriptedVoice {
 public:
  explicit ScriptedVoice(const std::filesystem::path& workflow = SOTTO_SOURCE_DIR "/workflows/banking") {
    auto deployment = OpenDeployment({.workflow = workflow, .databases = folder_.path(), .spoken = false},
                                     {scheduler_, scheduler_});
    SOTTO_CHECK(deployment.has_value(), "{}", deployment.error().message);
    Deployment::Parts parts = (*deployment)->parts();
    Deployment::Voice voice;
    voice.recognizers = std::make_shared<ScriptedPool>(ears);
    voice.phrases = std::make_shared<PhraseCache>(FliteSynthesizer::Create("rms").value(), "");
    voice.synthesis = &scheduler_;
    voice.synthesizer = scheduler_.NewStrand(Scheduler::Order::kUrgency);
    parts.voice = voice;
    Caller caller;
    caller.customer = "1";
    caller.verified_by = "test";
    served = std::make_shared<ServedWorkflow>(
        ServedWorkflow{(*deployment)->workflow().name, Deployment::Create(std::move(parts)).value(), caller});
    const Audio audio = SynthesizeAll(*FliteSynthesizer::Create("slt").value(),
                                      "transfer two hundred dollars to savings right away")
                            .value();
    speech = TrimAndFade(audio.samples, 0);
  }

  // A call of it, greeting under way.
  std::shared_ptr<VoiceCall> Open(std::shared_ptr<VoiceLine> line, VoiceCall::Services services = {}) {
    services.scheduler = &scheduler_;
    services.clock = &clock;
    services.metrics = &metrics;
    VoiceOptions options = VoiceCalls::OptionsFor(*served, "voice");
    options.front_end.echo_cancellation = false;
    auto call = VoiceCall::Open(served, services, std::move(options), std::move(line));
    SOTTO_CHECK(call.has_value(), "{}", call.error().message);
    return *call;
  }
  // False: the call is over.
  bool Step(VoiceCall& call) {
    const bool more = call.Step(Duration::zero());
    clock.Advance(milliseconds(10));
    return more;
  }
  void Silence(VoiceCall& call, int ms) {
    for (int i = 0; i < ms / 10 && Step(call); ++i) {
    }
  }
  // The ears hear `text`; what sounds is a sentence of a voice, `ms` of it.
  void Say(VoiceCall& call, const std::string& text, int ms = 1000) {
    ears.finals.emplace_back(Heard(text));
    size_t at = 0;
    for (int i = 0; i < ms / 10; ++i, at += kFrameSamples) {
      if (at + kFrameSamples > speech.size()) at = 0;
      call.Hear({speech.data() + at, kFrameSamples});
      Step(call);
    }
  }

  TempFolder folder_;
  FakeClock clock;
  Scheduler scheduler_{clock};
  Ears ears;
  ServerMetrics metrics;
  ServedWorkflowPtr served;
  std::vector<float> speech;
};

}  // namespace sotto
