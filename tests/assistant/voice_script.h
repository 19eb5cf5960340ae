// Voice sessions whose ears, brain and actions do as the test tells them, or nothing at all. What a real
// voice says is played into the microphone; what was heard of it stands in the test.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "assistant/voice_fixture.h"
#include "assistant/voice_session.h"
#include "base/unique_id.h"
#include "speech/flite.h"
#include "temp_folder.h"

namespace sotto {

using std::chrono::milliseconds;

inline Transcript Heard(std::string text) {
  Transcript transcript;
  transcript.final = true;
  transcript.text = std::move(text);
  if (!transcript.text.empty()) transcript.n_best.push_back({transcript.text, 0});
  return transcript;
}

// What the ears shall hear, and what they were given.
struct Ears {
  std::deque<Result<Transcript>> finals;  // told at once, in order; then empty ones
  bool hold = false;                      // `held` is told by the test
  std::optional<std::string> partial;     // none: a network engine

  std::vector<LiveRecognizer::FinalDone> held;
  std::vector<ListeningMode> started;
  std::vector<size_t> finished;  // ms of each
  int cancelled = 0;
};

class ScriptedEars final : public LiveRecognizer {
 public:
  explicit ScriptedEars(Ears& ears) : ears_(ears) {}
  void NewCaller() override {}
  void Start(ListeningMode mode) override {
    EXPECT_FALSE(open_);
    open_ = true;
    samples_ = 0;
    ears_.started.push_back(mode);
  }
  void Feed(std::span<const float> samples) override {
    EXPECT_TRUE(open_);
    samples_ += samples.size();
  }
  void Partial(bool /*pausing*/, PartialDone done) override {
    if (!ears_.partial) return done(std::nullopt);
    Transcript transcript;
    transcript.text = *ears_.partial;
    done(std::move(transcript));
  }
  void Finish(Duration, FinalDone done) override {
    EXPECT_TRUE(open_);
    open_ = false;
    ears_.finished.push_back(samples_ * 1000 / kSampleRateHz);
    if (ears_.hold) {
      ears_.held.push_back(std::move(done));
      return;
    }
    Result<Transcript> final = Heard("");
    if (!ears_.finals.empty()) {
      final = std::move(ears_.finals.front());
      ears_.finals.pop_front();
    }
    done(std::move(final));
  }
  void Cancel() override {
    ears_.cancelled += open_;
    open_ = false;
  }

 private:
  Ears& ears_;
  bool open_ = false;
  size_t samples_ = 0;
};

class ScriptedPool final : public LiveRecognizerPool {
 public:
  explicit ScriptedPool(Ears& ears) : ears_(ears) {}
  Result<std::unique_ptr<LiveRecognizer>> Acquire() override {
    if (fail) return MakeError(ErrorCode::kUnavailable, "no ears today");
    return std::make_unique<ScriptedEars>(ears_);
  }
  std::string name() const override { return "scripted"; }
  bool fail = false;

 private:
  Ears& ears_;
};

// Answers when the test says so, if it is held.
class HeldUnderstander final : public KeywordUnderstander {
 public:
  HeldUnderstander(bool& hold, std::vector<std::function<void()>>& held) : hold_(hold), held_(held) {}
  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Done done) override {
    if (!hold_) return KeywordUnderstander::Commit(std::move(hypotheses), limit, std::move(done));
    held_.push_back([this, hypotheses = std::move(hypotheses), limit, done = std::move(done)] {
      KeywordUnderstander::Commit(hypotheses, limit, done);
    });
  }

 private:
  bool& hold_;
  std::vector<std::function<void()>>& held_;
};

class HeldRunner final : public ActionRunner {
 public:
  void Start(ActionRequest request, Done done) override {
    if (on_start) on_start();
    requests.push_back(std::move(request));
    if (hold) {
      held.push_back(std::move(done));
    } else {
      done({true, "", Json::object()});
    }
  }
  bool hold = false;
  std::vector<ActionRequest> requests;
  std::vector<Done> held;
  std::function<void()> on_start;
};

class VoiceScript : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    static const TempFolder temporary;
    program_ = CompileTestWorkflow(temporary.path());
    phrases_ = std::make_shared<PhraseCache>(*FliteSynthesizer::Create("rms"), "");
    const auto voice = *FliteSynthesizer::Create("slt");
    const Audio audio = *SynthesizeAll(*voice, "transfer two hundred dollars to savings right away today");
    speech_ = TrimAndFade(audio.samples, 0);
  }
  static void TearDownTestSuite() {
    phrases_.reset();
    program_.reset();
  }

  VoiceServices Services() {
    VoiceServices services;
    services.program = program_;
    services.recognizers = &pool_;
    services.phrases = phrases_;
    services.synthesis = &scheduler_;
    services.actions = &runner_;
    services.clock = &clock_;
    services.journal = journal_ ? &*journal_ : nullptr;
    return services;
  }
  Result<std::unique_ptr<VoiceSession>> Create() {
    options_.front_end.echo_cancellation = false;
    VoiceSession::Callbacks callbacks;
    callbacks.on_turn = [this](const TurnRecord& record) { records_.push_back(record); };
    return VoiceSession::Create(Services(), std::make_unique<HeldUnderstander>(hold_brain_, held_brain_),
                                options_, callbacks);
  }
  void Open() {
    auto session = Create();
    ASSERT_TRUE(session) << session.error().message;
    session_ = *std::move(session);
    session_->Start();
  }
  // With a new id; greeted.
  void Begin() {
    options_.session.id = UniqueId();
    Open();
    UntilWaiting();
  }
  void Keep() {
    store_ = *SessionStore::Open(folder_.path() / "sessions.db");
    journal_.emplace(*store_, scheduler_);
  }

  bool Step(std::span<const float> microphone) {
    std::vector<float> out(kFrameSamples);
    session_->Step(microphone, out);
    clock_.Advance(milliseconds(10));
    return std::any_of(out.begin(), out.end(), [](float sample) { return sample != 0; });
  }
  // The number of frames in which Sotto was heard.
  int Silence(int ms) {
    const std::vector<float> quiet(kFrameSamples);
    int heard = 0;
    for (int i = 0; i < ms / 10 && !session_->ended(); ++i) heard += Step(quiet);
    return heard;
  }
  int Speak(int ms) {
    int heard = 0;
    size_t at = 0;
    for (int i = 0; i < ms / 10; ++i, at += kFrameSamples) {
      if (at + kFrameSamples > speech_.size()) at = 0;
      heard += Step({speech_.data() + at, kFrameSamples});
    }
    return heard;
  }
  void UntilWaiting() {
    for (int i = 0; i < 3000 && !session_->waiting() && !session_->ended(); ++i) Silence(10);
    ASSERT_TRUE(session_->waiting() || session_->ended());
  }
  void SpeakAndWait() {
    Speak(1000);
    Silence(1000);
    UntilWaiting();
  }
  const TurnRecord& Last() const { return records_.back(); }
  // Read back and confirmed: the action is started.
  void ConfirmTransfer() {
    ears_.finals = {Heard("transfer two hundred to savings"), Heard("yes")};
    SpeakAndWait();
    Speak(500);
    Silence(1000);
  }
  std::vector<std::string> StoredEvents() {
    std::vector<std::string> names;
    const auto events = store_->Load(options_.session.id, "test");
    for (const Event& event : *events) names.emplace_back(EventName(event.type));
    return names;
  }

  static inline std::shared_ptr<const DialogueProgram> program_;
  static inline std::shared_ptr<PhraseCache> phrases_;
  static inline std::vector<float> speech_;
  TempFolder folder_;
  FakeClock clock_;
  Scheduler scheduler_{clock_};
  std::unique_ptr<SessionStore> store_;
  std::optional<Journal> journal_;
  Ears ears_;
  ScriptedPool pool_{ears_};
  HeldRunner runner_;
  bool hold_brain_ = false;
  std::vector<std::function<void()>> held_brain_;
  VoiceOptions options_;
  std::vector<TurnRecord> records_;
  std::unique_ptr<VoiceSession> session_;
};
}  // namespace sotto
