// Frames in, frames out: what is said too late, too long, over Sotto or to nobody, and what never comes back.
#include "assistant/voice_script.h"

#include <gmock/gmock.h>

#include <latch>

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(VoiceScript, WithoutEarsOrAnIdThereIsNoSession) {
  EXPECT_EQ(Create().error().code, ErrorCode::kInvalidArgument);
  options_.session.id = UniqueId();
  pool_.fail = true;
  const auto session = Create();
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().message, "no ears today");
}

TEST_F(VoiceScript, AnUtteranceThatFailsIsAnsweredAndTold) {
  Begin();
  ears_.finals.push_back(MakeError(ErrorCode::kUnavailable, "connection lost"));
  SpeakAndWait();
  ASSERT_EQ(records_.size(), 2u);
  EXPECT_THAT(Last().errors, ElementsAre("connection lost"));
  EXPECT_EQ(Last().reply.text, "Sorry, I didn't get that.");
  EXPECT_GE(Last().times.first_audio, 0);
  ears_.finals.push_back(Heard("goodbye"));
  SpeakAndWait();
  EXPECT_TRUE(session_->ended());
}

TEST_F(VoiceScript, AFinalThatComesTooLateCountsAsNotUnderstood) {
  options_.final_within = milliseconds(2000);
  ears_.hold = true;
  Begin();
  Speak(1000);
  Silence(1500);
  ASSERT_EQ(ears_.held.size(), 1u);
  EXPECT_TRUE(session_->thinking());
  EXPECT_EQ(records_.size(), 1u);
  Silence(1500);
  UntilWaiting();
  ASSERT_EQ(records_.size(), 2u);
  EXPECT_THAT(Last().errors, ElementsAre(HasSubstr("no final within 2000 ms")));
  EXPECT_EQ(Last().reply.text, "Sorry, I didn't get that.");
  ears_.held[0](Heard("transfer two hundred to savings"));  // stale
  Silence(1000);
  EXPECT_TRUE(session_->waiting());
  EXPECT_EQ(records_.size(), 2u);
  ears_.hold = false;
  ears_.finals.push_back(Heard("goodbye"));
  SpeakAndWait();
  EXPECT_TRUE(session_->ended());
}

TEST_F(VoiceScript, AFinalInTimeIsTakenHoweverLongItTook) {
  ears_.hold = true;
  Begin();
  Speak(1000);
  Silence(5000);
  ears_.held.at(0)(Heard("transfer two hundred to savings"));
  UntilWaiting();
  EXPECT_THAT(Last().reply.text, HasSubstr("Transfer $200.00 to savings?"));
  EXPECT_GT(Last().times.final_transcript - Last().times.endpoint, 3000);
  EXPECT_THAT(Last().errors, IsEmpty());
}

TEST_F(VoiceScript, AMeaningThatComesTooLateCountsAsNotUnderstoodAndIsBridged) {
  hold_brain_ = true;
  Begin();
  ears_.finals.push_back(Heard("transfer two hundred to savings"));
  Speak(1000);
  Silence(8000);
  UntilWaiting();
  ASSERT_EQ(records_.size(), 2u);
  EXPECT_THAT(Last().errors, ElementsAre(HasSubstr("not understood within 5000 ms")));
  EXPECT_TRUE(Last().fillers);
  EXPECT_EQ(Last().reply.text, "Sorry, I didn't get that.");
  EXPECT_EQ(Last().heard.text, "transfer two hundred to savings");
  ASSERT_EQ(held_brain_.size(), 1u);
  held_brain_[0]();  // stale
  Silence(1000);
  EXPECT_EQ(records_.size(), 2u);
  hold_brain_ = false;
  ears_.finals.push_back(Heard("goodbye"));
  SpeakAndWait();
  EXPECT_TRUE(session_->ended());
}

TEST_F(VoiceScript, AnActionThatNeverComesBackIsATimeout) {
  runner_.hold = true;
  Begin();
  ConfirmTransfer();
  ASSERT_EQ(runner_.requests.size(), 1u);
  EXPECT_TRUE(session_->thinking());
  Silence(8000);
  UntilWaiting();
  ASSERT_EQ(Last().actions.size(), 1u);
  EXPECT_EQ(Last().actions[0].result.failure, "timeout");
  EXPECT_THAT(Last().errors, ElementsAre(HasSubstr("test.transfer did not come back in time")));
  EXPECT_FALSE(Last().reply.text.empty());
  const size_t turns = records_.size();
  runner_.held[0]({true, "", Json::object()});  // stale
  Silence(1000);
  EXPECT_EQ(records_.size(), turns);
}

TEST_F(VoiceScript, ASlowActionIsBridgedAndWhatIsSaidMeanwhileIsNotTakenUp) {
  runner_.hold = true;
  Begin();
  ConfirmTransfer();
  Silence(200);
  const size_t utterances = ears_.started.size();
  const int filler = Speak(1500);  // over "one moment", which goes on
  EXPECT_GT(filler, 20);
  EXPECT_EQ(ears_.started.size(), utterances);
  runner_.held.at(0)({true, "", Json::object()});
  UntilWaiting();
  EXPECT_TRUE(Last().fillers);
  EXPECT_FALSE(Last().interrupted);
  EXPECT_THAT(Last().reply.text, HasSubstr("Transferred $200.00 to savings."));
  EXPECT_EQ(runner_.requests.size(), 1u);
}

TEST_F(VoiceScript, AnUtteranceWithoutEndIsCutAndTheRestIsHeardToo) {
  options_.endpoint.max_utterance = milliseconds(3000);
  ears_.finals = {Heard("transfer two hundred to savings"), Heard("no")};
  Begin();
  Speak(5000);
  Silence(1000);
  UntilWaiting();
  ASSERT_GE(records_.size(), 3u);
  EXPECT_EQ(records_[1].ended_by, "too_long");
  EXPECT_TRUE(records_[1].interrupted);
  EXPECT_TRUE(records_[1].cut_off);
  EXPECT_EQ(records_[2].heard.text, "no");
  EXPECT_NEAR(static_cast<double>(ears_.finished.at(0)), 3200, 150);
}

TEST_F(VoiceScript, ALongBargeInIsHeardByEnginesWithoutPartials) {
  ears_.finals = {Heard("transfer two hundred to savings")};
  options_.session.id = UniqueId();
  Open();
  Silence(300);
  ASSERT_TRUE(session_->speaking());
  Speak(4000);
  EXPECT_FALSE(session_->speaking());
  EXPECT_EQ(ears_.cancelled, 0);
  Silence(1000);
  UntilWaiting();
  ASSERT_EQ(records_.size(), 2u);
  EXPECT_TRUE(records_[0].interrupted);
  EXPECT_EQ(Last().heard.text, "transfer two hundred to savings");
}

TEST_F(VoiceScript, ANoiseInWhichNoWordsAreHeardDoesNotInterruptForLong) {
  ears_.partial = "";
  options_.session.id = UniqueId();
  Open();
  Silence(300);
  Speak(1900);
  EXPECT_TRUE(session_->paused());
  for (int ms = 0; ms < 400 && session_->paused(); ms += 10) Speak(10);
  EXPECT_FALSE(session_->paused());
  EXPECT_EQ(ears_.cancelled, 1);
  UntilWaiting();
  ASSERT_EQ(records_.size(), 1u);
  EXPECT_FALSE(records_[0].interrupted);
}

TEST_F(VoiceScript, WhatIsSaidWhileTheTurnBeforeIsUnderstoodIsHeardInFull) {
  ears_.hold = true;
  Begin();
  Speak(1000);
  Silence(1000);
  ASSERT_EQ(ears_.held.size(), 1u);
  Speak(1500);   // the first is still being finalised
  Silence(800);  // ... and also this one has ended
  EXPECT_EQ(ears_.started.size(), 1u);
  ears_.hold = false;
  ears_.finals = {Heard("yes")};
  ears_.held[0](Heard("transfer two hundred to savings"));
  Silence(20);
  // Asked and answered: the question need not be said.
  ASSERT_EQ(records_.size(), 2u);
  EXPECT_TRUE(records_[1].interrupted);
  EXPECT_TRUE(records_[1].cut_off);
  EXPECT_THAT(records_[1].reply.text, HasSubstr("Transfer $200.00"));
  EXPECT_THAT(ears_.started, ElementsAre(ListeningMode::kOpen, ListeningMode::kYesNo));
  EXPECT_GE(ears_.finished.at(1), 2200u);
  UntilWaiting();
  EXPECT_EQ(Last().heard.text, "yes");
  EXPECT_EQ(runner_.requests.size(), 1u);
}

TEST_F(VoiceScript, KeysAreKeptWhileTheTurnBeforeIsUnderstood) {
  Begin();
  ears_.finals = {Heard("activate my card"), Heard("four five")};
  SpeakAndWait();
  hold_brain_ = true;
  Speak(500);
  Silence(1500);
  ASSERT_EQ(held_brain_.size(), 1u);
  hold_brain_ = false;
  for (const char key : std::string("4532")) session_->Key(key);
  EXPECT_EQ(runner_.requests.size(), 0u);
  held_brain_[0]();
  Silence(3000);
  UntilWaiting();
  ASSERT_EQ(runner_.requests.size(), 1u);
  EXPECT_EQ(runner_.requests[0].arguments["card_last_four"], "4532");
}

TEST_F(VoiceScript, ACallThatIsHungUpLeavesNothingThatCouldComeBack) {
  ears_.hold = true;
  Begin();
  Speak(1000);
  Silence(1000);
  session_.reset();
  ears_.held.at(0)(Heard("transfer two hundred to savings"));
  ears_.hold = false;

  hold_brain_ = true;
  ears_.finals = {Heard("transfer two hundred to savings")};
  Begin();
  Speak(1000);
  Silence(1000);
  ASSERT_EQ(held_brain_.size(), 1u);
  hold_brain_ = false;
  session_.reset();

  runner_.hold = true;
  Begin();
  ConfirmTransfer();
  session_.reset();
  runner_.held.at(0)({true, "", Json::object()});
  EXPECT_EQ(runner_.requests.size(), 1u);
}

// With threads: an engine that hangs holds up nobody's steps.
TEST_F(VoiceScript, StepsGoOnWhateverHangs) {
  class Hanging final : public Recognizer {
   public:
    explicit Hanging(std::latch& go) : go_(go) {}
    void NewCaller() override {}
    Result<void> Start(ListeningMode) override {
      go_.wait();
      return {};
    }
    Result<void> Feed(std::span<const float>) override { return {}; }
    std::optional<Transcript> Partial() override { return std::nullopt; }
    Result<Transcript> Finish() override { return Heard("goodbye"); }
    void Cancel() override {}

   private:
    std::latch& go_;
  };
  class HangingPool final : public RecognizerPool {
   public:
    explicit HangingPool(std::latch& go) : go_(go) {}
    Result<std::unique_ptr<Recognizer>> Acquire() override { return std::make_unique<Hanging>(go_); }
    std::string name() const override { return "hanging"; }
    bool blocks() const override { return true; }

   private:
    std::latch& go_;
  };
  std::latch go(1);
  const auto engines = std::make_shared<HangingPool>(go);
  const SystemClock real;
  std::unique_ptr<LiveRecognizerPool> ears;
  Scheduler threads(real, {.threads = 2});
  ears = MakeLiveRecognizers(engines, threads);
  VoiceServices services = Services();
  services.recognizers = ears.get();
  services.synthesis = &threads;
  options_.session.id = UniqueId();
  options_.front_end.echo_cancellation = false;
  VoiceSession::Callbacks callbacks;
  callbacks.on_turn = [this](const TurnRecord& record) { records_.push_back(record); };
  session_ = *VoiceSession::Create(services, std::make_unique<KeywordUnderstander>(), options_, callbacks);
  session_->Start();
  while (!session_->waiting()) Silence(10);  // the greeting comes from a thread
  Speak(1000);
  Silence(1000);
  EXPECT_TRUE(session_->thinking());
  Silence(1000);
  EXPECT_TRUE(session_->thinking());
  go.count_down();
  const std::vector<float> quiet(kFrameSamples);
  std::vector<float> out(kFrameSamples);
  while (!session_->ended()) session_->Step(quiet, out);
  EXPECT_EQ(Last().heard.text, "goodbye");
  session_.reset();
}

}  // namespace
}  // namespace sotto
