// What a live call hears through, with an engine that does as it is told.
#include "speech/live_recognizer.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <latch>

namespace sotto {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What happened to the engine, and what it shall do.
struct Script {
  std::vector<std::string> calls;  // by the strand; read when it is at rest
  std::optional<Error> start, feed, finish;
  std::function<void()> on_finish;
  std::atomic<int> interrupts = 0;
  std::function<void()> on_partial;  // while one is computed
  std::function<void()> on_yield;
};

class ScriptedEngine final : public Recognizer {
 public:
  explicit ScriptedEngine(Script& script) : script_(script) {}
  void NewCaller() override { script_.calls.emplace_back("new caller"); }
  Result<void> Start(ListeningMode mode) override {
    samples_ = 0;
    script_.calls.push_back("start " + std::string(ListeningModeName(mode)));
    return Answer(script_.start);
  }
  Result<void> Feed(std::span<const float> samples) override {
    samples_ += samples.size();
    return Answer(script_.feed);
  }
  std::optional<Transcript> Partial() override {
    if (script_.on_partial) script_.on_partial();
    return Heard();
  }
  void Yield() override {
    if (script_.on_yield) script_.on_yield();
  }
  Result<Transcript> Finish() override {
    script_.calls.push_back(fmt::format("finish {}", samples_));
    if (script_.on_finish) script_.on_finish();
    SOTTO_RETURN_IF_ERROR(Answer(script_.finish));
    return Heard();
  }
  void Cancel() override { script_.calls.emplace_back("cancel"); }
  void Interrupt() override { ++script_.interrupts; }
  void SetPhrases(std::span<const std::string> phrases) override {
    script_.calls.push_back("phrases " + phrases.front());
  }

 private:
  static Result<void> Answer(const std::optional<Error>& error) {
    if (error) return tl::unexpected<Error>(*error);
    return {};
  }
  Transcript Heard() const {
    Transcript transcript;
    transcript.text = std::to_string(samples_);
    return transcript;
  }

  Script& script_;
  size_t samples_ = 0;
};

class ScriptedPool final : public RecognizerPool {
 public:
  explicit ScriptedPool(Script& script) : script_(script) {}
  Result<std::unique_ptr<Recognizer>> Acquire() override { return std::make_unique<ScriptedEngine>(script_); }
  std::string name() const override { return "scripted"; }

 private:
  Script& script_;
};

class LiveRecognition : public ::testing::Test {
 protected:
  std::unique_ptr<LiveRecognizer> Acquire(Scheduler& scheduler) {
    pool_ = MakeLiveRecognizers(std::make_shared<ScriptedPool>(script_), scheduler);
    return *pool_->Acquire();
  }
  // One utterance on the inline scheduler.
  Result<Transcript> Hear(LiveRecognizer& recognizer) {
    std::optional<Result<Transcript>> told;
    recognizer.Start(ListeningMode::kOpen);
    recognizer.Feed(audio_);
    recognizer.Finish(seconds(1), [&](Result<Transcript> final) { told = std::move(final); });
    return told.value();
  }

  Script script_;
  std::unique_ptr<LiveRecognizerPool> pool_;
  const std::vector<float> audio_ = std::vector<float>(160, 0.1f);
  FakeClock clock_;
};

TEST_F(LiveRecognition, PartialsAndFinalsAreOfAllThatWasFed) {
  Scheduler scheduler(clock_);
  const auto recognizer = Acquire(scheduler);
  recognizer->NewCaller();
  recognizer->Start(ListeningMode::kDigits);
  recognizer->Feed(audio_);
  recognizer->Feed(audio_);
  std::string partial, final;
  recognizer->Partial(
      true, [&](const std::optional<Transcript>& heard) { partial = heard ? heard->text : "none"; });
  recognizer->Feed(audio_);
  recognizer->Finish(seconds(1), [&](Result<Transcript> heard) { final = heard->text; });
  EXPECT_EQ(partial, "320");
  EXPECT_EQ(final, "480");
  EXPECT_THAT(script_.calls, ElementsAre("new caller", "start digits", "finish 480"));
}

TEST_F(LiveRecognition, WhatGoesWrongIsToldByTheFinalAndTheNextUtteranceIsHeard) {
  Scheduler scheduler(clock_);
  const auto recognizer = Acquire(scheduler);
  const Error down{ErrorCode::kUnavailable, "down"};
  for (std::optional<Error> Script::*call : {&Script::start, &Script::feed, &Script::finish}) {
    script_.*call = down;
    const auto failed = Hear(*recognizer);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().message, "down");
    script_.*call = std::nullopt;
    EXPECT_EQ(Hear(*recognizer)->text, "160");
  }
}

TEST_F(LiveRecognition, CancelledUtterancesHaveNoFinal) {
  Scheduler scheduler(clock_);
  const auto recognizer = Acquire(scheduler);
  recognizer->Start(ListeningMode::kOpen);
  recognizer->Feed(audio_);
  recognizer->Cancel();
  recognizer->Cancel();
  EXPECT_EQ(Hear(*recognizer)->text, "160");
  EXPECT_THAT(script_.calls, ElementsAre("start open", "cancel", "start open", "finish 160"));
}

TEST_F(LiveRecognition, AFinalThatComesTooLateIsATimeoutAndTheNextUtteranceIsHeard) {
  Scheduler scheduler(clock_);
  const auto recognizer = Acquire(scheduler);
  script_.on_finish = [&] { clock_.Advance(seconds(2)); };
  const auto late = Hear(*recognizer);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  script_.on_finish = nullptr;
  EXPECT_EQ(Hear(*recognizer)->text, "160");
}

TEST_F(LiveRecognition, NamesOfTheCallerReachTheEngine) {
  Scheduler scheduler(clock_);
  const auto recognizer = Acquire(scheduler);
  recognizer->SetPhrases({"netflix"});
  EXPECT_THAT(script_.calls, ElementsAre("phrases netflix"));
}

TEST_F(LiveRecognition, WhatIsComputedForACancelledUtteranceIsInterruptedAndNothingElse) {
  const SystemClock real;
  std::latch in_finish(1), go(1);
  script_.on_finish = [&] {
    if (in_finish.try_wait()) return;
    in_finish.count_down();
    go.wait();
  };
  std::promise<Result<Transcript>> first;
  {
    Scheduler scheduler(real, {.threads = 1});
    const auto recognizer = Acquire(scheduler);
    recognizer->Start(ListeningMode::kOpen);
    recognizer->Finish(seconds(60), [&](Result<Transcript> heard) { first.set_value(std::move(heard)); });
    in_finish.wait();
    recognizer->Start(ListeningMode::kOpen);
    recognizer->Cancel();  // the second; the first is under way and wanted
    EXPECT_EQ(script_.interrupts, 0);
    go.count_down();
    EXPECT_TRUE(first.get_future().get().has_value());
  }
  Scheduler scheduler(clock_);
  const auto recognizer = Acquire(scheduler);
  recognizer->Start(ListeningMode::kOpen);
  recognizer->Cancel();
  EXPECT_EQ(script_.interrupts, 1);
}

// With an engine that hangs, on threads.
// On one thread: what somebody waits for in silence does not wait for words on a screen.
TEST_F(LiveRecognition, APartialInSpeechGivesWayToAnothersFinal) {
  std::promise<void> asked;
  std::latch begun(1);
  script_.on_partial = [&] {
    begun.count_down();
    asked.get_future().wait();
  };
  script_.on_yield = [&] { asked.set_value(); };
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  Script other_script;
  const auto recognizer = Acquire(scheduler);
  const auto others = MakeLiveRecognizers(std::make_shared<ScriptedPool>(other_script), scheduler);
  const auto other = *others->Acquire();
  std::promise<std::string> partial, final;
  recognizer->Start(ListeningMode::kOpen);
  recognizer->Feed(audio_);
  recognizer->Partial(false, [&](const std::optional<Transcript>& heard) { partial.set_value(heard->text); });
  begun.wait();
  other->Start(ListeningMode::kOpen);
  other->Feed(audio_);
  other->Finish(seconds(60), [&](Result<Transcript> heard) { final.set_value(heard->text); });
  EXPECT_EQ(final.get_future().get(), "160");
  EXPECT_EQ(partial.get_future().get(), "160");
}

TEST_F(LiveRecognition, NobodyWaitsForAnEngineAndWhatItIsTooSlowForIsLostAndTold) {
  const SystemClock real;
  std::latch in_finish(1), go(1);
  script_.on_finish = [&] {
    if (in_finish.try_wait()) return;
    in_finish.count_down();
    go.wait();
  };
  std::promise<Result<Transcript>> first, second;
  {
    Scheduler scheduler(real, {.threads = 1});
    const auto recognizer = Acquire(scheduler);
    recognizer->Start(ListeningMode::kOpen);
    recognizer->Finish(milliseconds(20),
                       [&](Result<Transcript> heard) { first.set_value(std::move(heard)); });
    in_finish.wait();
    // The engine hangs in the first: none of these may hang with it.
    recognizer->Start(ListeningMode::kOpen);
    recognizer->Cancel();
    recognizer->Start(ListeningMode::kOpen);
    for (int i = 0; i < 3100; ++i) recognizer->Feed(audio_);  // 31 s
    recognizer->Partial(false, [](std::optional<Transcript>) {});
    recognizer->Finish(seconds(60), [&](Result<Transcript> heard) { second.set_value(std::move(heard)); });
    EXPECT_EQ(first.get_future().get().error().code, ErrorCode::kTimeout);
    go.count_down();
    const auto lossy = second.get_future().get();
    ASSERT_FALSE(lossy);
    EXPECT_THAT(lossy.error().message, HasSubstr("1000 ms were lost"));
  }
  EXPECT_THAT(script_.calls, ElementsAre("start open", "finish 0", "start open", "cancel"));
}

}  // namespace
}  // namespace sotto
