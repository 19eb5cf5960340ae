#include "assistant/voice_session.h"

#include <gmock/gmock.h>

#include <cmath>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>

#include "assistant/voice_fixture.h"
#include "base/unique_id.h"
#include "speech/domain_model.h"
#include "speech/flite.h"
#include "speech/pocketsphinx.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class VoiceSessionTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    static const TempFolder temporary;
    folder_ = temporary.path();
    program_ = CompileTestWorkflow(folder_);
    auto text = MakeDomainText(program_->workflow(), 1);
    auto model = DomainModel::Build(*text, folder_ / "cache");
    ASSERT_TRUE(model) << model.error().message;
    pool_ = *PocketSphinxPool::Create(*model, {});
    std::shared_ptr<Synthesizer> voice = *FliteSynthesizer::Create("rms");
    phrases_ = std::make_shared<PhraseCache>(voice, "");
  }
  static void TearDownTestSuite() {
    pool_.reset();
    phrases_.reset();
    program_.reset();
  }

  void Open(VoiceOptions options = {}) {
    options.front_end.echo_cancellation = echo_gain_ > 0;
    echo_.assign(6, std::vector<float>(kFrameSamples));
    VoiceServices services;
    services.program = program_;
    services.recognizers = recognizers_.get();
    services.phrases = phrases_;
    services.synthesis = &scheduler_;
    services.actions = &runner_;
    services.clock = &clock_;
    options.session.id = UniqueId();
    VoiceSession::Callbacks callbacks;
    callbacks.on_turn = [this](const TurnRecord& record) { records_.push_back(record); };
    auto session =
        VoiceSession::Create(services, std::make_unique<KeywordUnderstander>(), options, callbacks);
    ASSERT_TRUE(session) << session.error().message;
    session_ = std::move(*session);
    session_->Start();
  }

  bool Step(std::span<const float> clean) {
    std::vector<float> out(kFrameSamples);
    std::vector<float> microphone(clean.begin(), clean.end());
    if (echo_gain_ > 0) {  // the loudspeaker comes back after 60 ms
      for (size_t i = 0; i < kFrameSamples; ++i) microphone[i] += echo_gain_ * echo_.front()[i];
      echo_.pop_front();
    }
    microphone_.insert(microphone_.end(), microphone.begin(), microphone.end());
    session_->Step(microphone, out);
    if (echo_gain_ > 0) echo_.push_back(out);
    clock_.Advance(std::chrono::milliseconds(10));
    return session_->speaking();
  }
  void Silence(int milliseconds) {
    const std::vector<float> quiet(kFrameSamples);
    for (int i = 0; i < milliseconds / 10 && !session_->ended(); ++i) Step(quiet);
  }
  // Until Sotto waits for the user.
  void UntilWaiting() {
    for (int i = 0; i < 3000 && !session_->waiting() && !session_->ended(); ++i) Silence(10);
  }
  void Say(const std::string& text) {
    static const auto voice = *FliteSynthesizer::Create("slt");
    static std::map<std::string, Audio> recordings;  // the voice never says a thing twice the same
    if (!recordings.contains(text)) recordings[text] = *SynthesizeAll(*voice, text);
    const Audio& audio = recordings[text];
    for (size_t i = 0; i + kFrameSamples <= audio.samples.size(); i += kFrameSamples) {
      Step({audio.samples.data() + i, kFrameSamples});
    }
  }
  void SayAndWait(const std::string& text) {
    Say(text);
    Silence(1500);
    UntilWaiting();
  }

  static std::filesystem::path folder_;
  static std::shared_ptr<const DialogueProgram> program_;
  static std::shared_ptr<PocketSphinxPool> pool_;
  static std::shared_ptr<PhraseCache> phrases_;
  CountingRunner runner_;
  FakeClock clock_;
  std::vector<float> microphone_;  // all that was heard in this test
  Scheduler scheduler_{clock_};
  const std::unique_ptr<LiveRecognizerPool> recognizers_ = MakeLiveRecognizers(pool_, scheduler_);
  std::vector<TurnRecord> records_;
  std::unique_ptr<VoiceSession> session_;
  float echo_gain_ = 0;
  std::deque<std::vector<float>> echo_;
};

// Of this process.
long StatusNumber(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::stol(line.substr(key.size() + 1));
  }
  return 0;
}
std::filesystem::path VoiceSessionTest::folder_;
std::shared_ptr<const DialogueProgram> VoiceSessionTest::program_;
std::shared_ptr<PocketSphinxPool> VoiceSessionTest::pool_;
std::shared_ptr<PhraseCache> VoiceSessionTest::phrases_;

TEST_F(VoiceSessionTest, AWholeConversationIsHeardDoneAndEnded) {
  Open();
  UntilWaiting();
  ASSERT_EQ(records_.size(), 1u);
  EXPECT_EQ(records_[0].ended_by, "begin");
  SayAndWait("transfer two hundred dollars to savings");
  ASSERT_EQ(records_.size(), 2u);
  EXPECT_EQ(records_[1].heard.text, "transfer two hundred dollars to savings");
  EXPECT_EQ(records_[1].ended_by, "complete");
  EXPECT_THAT(records_[1].reply.text, HasSubstr("$200"));
  EXPECT_GE(records_[1].EndpointToFirstAudioMs(), 0);
  EXPECT_LT(records_[1].VoiceToVoiceMs(), 450);
  EXPECT_FALSE(records_[1].interrupted);
  SayAndWait("yes");
  ASSERT_EQ(runner_.requests.size(), 1u) << ToJson(records_.back()).dump();
  EXPECT_EQ(runner_.requests[0].arguments["amount"], 200);
  EXPECT_THAT(records_.back().reply.text, HasSubstr("Transferred"));
  EXPECT_EQ(records_.back().listening_mode, "yes_no");
  SayAndWait("goodbye");
  EXPECT_TRUE(session_->ended());
}

TEST_F(VoiceSessionTest, SpeechInterruptsTheReplyAndWhatWasHeardIsRecorded) {
  Open();
  Silence(600);  // in the middle of the greeting
  ASSERT_TRUE(session_->speaking());
  Say("transfer two hundred dollars to savings");
  EXPECT_FALSE(session_->speaking());
  Silence(1500);
  UntilWaiting();
  ASSERT_EQ(records_.size(), 2u);
  EXPECT_TRUE(records_[0].interrupted);
  EXPECT_LT(records_[0].played_ms, 1500);
  EXPECT_THAT(records_[0].played_text, Not(HasSubstr("today")));
  EXPECT_EQ(records_[1].heard.text, "transfer two hundred dollars to savings");
}

TEST_F(VoiceSessionTest, ABackchannelDoesNotInterrupt) {
  Open();
  Silence(600);
  Say("okay");
  Silence(700);
  EXPECT_TRUE(session_->speaking());
  UntilWaiting();
  ASSERT_EQ(records_.size(), 1u);
  EXPECT_FALSE(records_[0].interrupted);
  EXPECT_EQ(records_[0].played_text, "Hello! How can I help you today?");
}

TEST_F(VoiceSessionTest, DigitsComeByVoiceOrByKeys) {
  Open();
  UntilWaiting();
  SayAndWait("activate my card");
  EXPECT_EQ(records_.back().expectation.kind, Expectation::Kind::kNone);
  for (const char key : std::string("4532")) {
    session_->Key(key);
    Silence(100);
  }
  UntilWaiting();
  ASSERT_EQ(runner_.requests.size(), 1u);
  EXPECT_EQ(runner_.requests[0].arguments["card_last_four"], "4532");
  EXPECT_EQ(records_.back().ended_by, "keys");
}

TEST_F(VoiceSessionTest, SilenceIsAnsweredAndEndsTheCallAtLast) {
  Open();
  for (int i = 0; i < 60 && !session_->ended(); ++i) Silence(1000);
  EXPECT_TRUE(session_->ended());
  EXPECT_EQ(records_.back().ended_by, "no_input");
  for (const TurnRecord& record : records_) EXPECT_FALSE(record.reply.text.empty());
}

TEST_F(VoiceSessionTest, TheSameAudioGivesTheSameConversation) {
  const auto summary = [&] {
    std::string all;
    for (TurnRecord& record : records_) {
      // PocketSphinx adds its posteriors up in another order each time.
      for (Transcript::Hypothesis& hypothesis : record.heard.n_best)
        hypothesis.log_score = std::round(hypothesis.log_score * 1e6) / 1e6;
      for (TranscriptWord& word : record.heard.words)
        word.confidence = std::round(word.confidence * 1e6) / 1e6;
      all +=
          ToJson(record.heard).dump() + (record.understood ? ToJson(*record.understood).dump() : "") + "\n";
    }
    records_.clear();
    session_.reset();
    return all;
  };
  Open();
  UntilWaiting();
  SayAndWait("transfer three hundred dollars to savings");
  SayAndWait("no");
  const std::string first = summary();
  EXPECT_THAT(first, HasSubstr("300"));

  const std::vector<float> call = std::exchange(microphone_, {});
  Open();
  for (size_t i = 0; i + kFrameSamples <= call.size(); i += kFrameSamples)
    Step({call.data() + i, kFrameSamples});
  UntilWaiting();
  EXPECT_EQ(first, summary());
}

TEST_F(VoiceSessionTest, WithEchoOnlyTheUserInterruptsAndIsHeard) {
  echo_gain_ = 0.25f;
  Open();
  UntilWaiting();
  ASSERT_EQ(records_.size(), 1u) << records_.back().heard.text;
  EXPECT_FALSE(records_[0].interrupted);
  int stopped_in_time = 0;
  constexpr int kTrials = 6;
  for (int trial = 0; trial < kTrials; ++trial) {
    SayAndWait("activate my card");
    session_.reset();
    Open();
    Silence(500 + 130 * trial);
    ASSERT_TRUE(session_->speaking());
    static const auto voice = *FliteSynthesizer::Create("slt");
    static const Audio audio = *SynthesizeAll(*voice, "transfer two hundred dollars to savings");
    // The recording begins with some silence of its own.
    const auto onset =
        std::find_if(audio.samples.begin(), audio.samples.end(), [](float s) { return std::abs(s) > 0.03f; });
    const size_t from = static_cast<size_t>(onset - audio.samples.begin());
    int frames = 0, stopped_after = -1;
    for (size_t i = from; i + kFrameSamples <= audio.samples.size(); i += kFrameSamples, ++frames) {
      if (!Step({audio.samples.data() + i, kFrameSamples}) && stopped_after < 0) stopped_after = frames * 10;
    }
    if (stopped_after >= 0 && stopped_after <= 200) ++stopped_in_time;
    RecordProperty("stopped_after_ms_" + std::to_string(trial), stopped_after);
    Silence(1500);
    UntilWaiting();
    EXPECT_THAT(records_.back().heard.text, HasSubstr("savings"));
  }
  EXPECT_GE(stopped_in_time, kTrials - 1);
}

TEST_F(VoiceSessionTest, ManyCallsLeakNeitherMemoryNorThreads) {
  const char* given = std::getenv("SOTTO_SIMULATED_CALLS");  // more of them by hand
  const int calls = given == nullptr ? 9 : std::atoi(given);
  long memory = 0, threads = 0;
  double seconds = 0;
  for (int call = 0; call < calls; ++call) {
    if (call == calls / 3) {
      memory = StatusNumber("VmRSS:");
      threads = StatusNumber("Threads:");
    }
    records_.clear();
    microphone_.clear();
    const TimePoint began = clock_.Now();
    Open();
    UntilWaiting();
    SayAndWait("transfer three hundred dollars to savings");
    SayAndWait(call % 2 == 0 ? "yes" : "no");
    Silence(call % 5 == 0 ? 9000 : 100);
    UntilWaiting();
    SayAndWait("goodbye");
    seconds += Milliseconds(clock_.Now() - began) / 1000;
    for (const TurnRecord& record : records_) EXPECT_FALSE(record.reply.text.empty());
    session_.reset();
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // those keep freed memory
  EXPECT_LT(StatusNumber("VmRSS:") - memory, 3000) << "kB over " << calls << " calls";
#endif
  EXPECT_EQ(StatusNumber("Threads:"), threads);
  fmt::print("{:.2f} hours of calls; resident memory {} -> {} kB\n", seconds / 3600, memory,
             StatusNumber("VmRSS:"));
}

}  // namespace
}  // namespace sotto
