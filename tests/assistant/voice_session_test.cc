#include "assistant/voice_session.h"

#include <gmock/gmock.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <map>

#include "speech/domain_model.h"
#include "speech/flite.h"
#include "speech/pocketsphinx.h"
#include "temp_folder.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kWorkflow = R"(
workflow: test
assistant: {name: Test, greeting: "Hello! How can I help you today?"}
entities:
  account: {values: {checking: [], savings: []}}
  last_four: {type: digits, length: 4}
  money: {type: money, currency: USD, min: 0.01}
tools:
  transfer_money:
    description: Transfer money
    title: transfer money
    doing: transferring money
    slots:
      amount: {entity: money, required: true, ask: the amount}
      to_account: {entity: account, required: true, ask: which account to transfer to}
    confirm: "Transfer {amount:money} to {to_account}?"
    action: {use: test.transfer}
    done: "Done. Transferred {amount:money} to {to_account}."
    examples: ["transfer {amount} to {to_account}", "move {amount} to my {to_account} account"]
  activate_card:
    description: Activate a card
    title: activate a card
    doing: activating a card
    slots:
      card_last_four: {entity: last_four, required: true, ask: the last four digits}
    action: {use: test.activate}
    done: "Your card is active."
    examples: ["activate my card", "activate the card ending in {card_last_four}"]
  goodbye: {description: The user leaves, role: goodbye, done: "Goodbye!", examples: ["goodbye", "bye"]}
  intent_unclear: {description: Not understood, role: unclear}
)";

// Understands by key words: enough to drive a conversation without a trained model.
class KeywordUnderstander final : public Understander {
 public:
  Result<void> Begin(const Conversation&, const Expectation& expectation,
                     std::span<const std::string>) override {
    expectation_ = expectation;
    partial_.clear();
    return {};
  }
  Result<void> Hear(std::string_view partial) override {
    partial_ = partial;
    return {};
  }
  Result<Understanding> Peek() override { return Read(partial_); }
  Result<Understanding> Commit(std::span<const Transcript::Hypothesis> hypotheses) override {
    return Read(hypotheses.front().text);
  }
  void Abandon() override {}

 private:
  Understanding Read(const std::string& text) const {
    const auto has = [&](const char* word) {
      return (" " + text + " ").find(std::string(" ") + word + " ") != std::string::npos;
    };
    ToolCall call{"intent_unclear", Json::object()};
    if (has("transfer") || has("move") || expectation_.tool == "transfer_money") {
      call.name = "transfer_money";
      if (has("two")) call.arguments["amount"] = 200;
      if (has("three")) call.arguments["amount"] = 300;
      if (has("savings")) call.arguments["to_account"] = "savings";
      if (call.arguments.empty() && !has("transfer")) call = {"intent_unclear", Json::object()};
    }
    if (has("activate") || expectation_.tool == "activate_card") {
      call.name = "activate_card";
      if (has("four five three two") || text == "4532") call.arguments["card_last_four"] = "4532";
    }
    if (expectation_.kind == Expectation::Kind::kConfirm && has("yes"))
      call = {control::kAffirm, Json::object()};
    if (expectation_.kind == Expectation::Kind::kConfirm && has("no"))
      call = {control::kDeny, Json::object()};
    if (has("bye") || has("goodbye")) call = {"goodbye", Json::object()};
    Understanding understanding;
    Understanding::Call one;
    one.call = call;
    one.confidence = 0.95;
    understanding.calls.push_back(one);
    understanding.confidence = 0.95;
    understanding.transcript = text;
    return understanding;
  }

  Expectation expectation_;
  std::string partial_;
};

class CountingRunner final : public InlineActionRunner {
 public:
  ToolResult Run(const ActionRequest& request) override {
    requests.push_back(request);
    return {true, "", Json::object()};
  }
  std::vector<ActionRequest> requests;
};

class VoiceSessionTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    static const TempFolder temporary;
    folder_ = temporary.path();
    ParsedWorkflow parsed = ParseWorkflow(kWorkflow, "test.yaml");
    std::string mistakes;
    for (const Mistake& mistake : parsed.mistakes) mistakes += ToString(mistake, "test.yaml") + "\n";
    ASSERT_TRUE(parsed.workflow) << mistakes;
    parsed.workflow->folder = folder_;
    auto workflow = std::make_shared<const Workflow>(*parsed.workflow);
    auto program = DialogueProgram::Compile(workflow);
    ASSERT_TRUE(program) << program.error().message;
    program_ = *program;
    auto text = MakeDomainText(*workflow, 1);
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
    options.session_id = "test";
    options.front_end.echo_cancellation = echo_gain_ > 0;
    echo_.assign(6, std::vector<float>(kFrameSamples));
    VoiceServices services;
    services.program = program_;
    services.recognizers = pool_.get();
    services.phrases = phrases_;
    services.actions = &runner_;
    services.clock = &clock_;
    services.run_action = run_action_;
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
  static std::unique_ptr<PocketSphinxPool> pool_;
  static std::shared_ptr<PhraseCache> phrases_;
  CountingRunner runner_;
  FakeClock clock_;
  std::vector<float> microphone_;  // all that was heard in this test
  std::function<void(std::function<void()>)> run_action_;
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
std::unique_ptr<PocketSphinxPool> VoiceSessionTest::pool_;
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
  ASSERT_EQ(runner_.requests.size(), 1u);
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

TEST_F(VoiceSessionTest, ASlowActionIsBridged) {
  std::function<void()> job;
  run_action_ = [&](std::function<void()> work) { job = std::move(work); };
  Open();
  UntilWaiting();
  SayAndWait("activate my card");
  for (const char key : std::string("4532")) session_->Key(key);
  Silence(2000);
  ASSERT_TRUE(job) << (records_.empty() ? "" : records_.back().heard.text);
  EXPECT_EQ(records_.size(), 2u);
  job();
  UntilWaiting();
  ASSERT_EQ(records_.size(), 3u);
  EXPECT_TRUE(records_[2].fillers);
  EXPECT_THAT(records_[2].reply.text, HasSubstr("Your card is active"));
}

TEST_F(VoiceSessionTest, TheSameAudioGivesTheSameConversation) {
  const auto summary = [&] {
    std::string all;
    for (const TurnRecord& record : records_) {
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
