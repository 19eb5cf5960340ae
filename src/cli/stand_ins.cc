#include "cli/stand_ins.h"

#include <algorithm>
#include <utility>

namespace sotto {
namespace {

// Tells `value` to `done` when `takes` has passed, or that the deadline has.
template <typename T>
void TellLater(Scheduler& scheduler, Duration takes, Duration limit, T value,
               std::function<void(Result<T>)> done) {
  const TimePoint now = scheduler.clock().Now();
  scheduler.Post(
      {.deadline = now + limit, .priority = Priority::kUrgent, .not_before = now + takes},
      [value = std::move(value)](std::stop_token) -> Result<T> { return value; }, std::move(done));
}

class SlowRecognizer final : public LiveRecognizer {
 public:
  SlowRecognizer(Scheduler& scheduler, std::chrono::milliseconds takes, std::function<std::string()> said)
      : scheduler_(scheduler), takes_(takes), said_(std::move(said)) {}

  void NewCaller() override {}
  void Start(ListeningMode) override {}
  void Feed(std::span<const float>) override {}
  void Partial(bool /*pausing*/, PartialDone done) override { done(std::nullopt); }
  void Finish(Duration limit, FinalDone done) override {
    Transcript transcript;
    transcript.text = said_();
    transcript.final = true;
    TellLater(scheduler_, takes_, limit, std::move(transcript), std::move(done));
  }
  void Cancel() override {}

 private:
  Scheduler& scheduler_;
  const std::chrono::milliseconds takes_;
  const std::function<std::string()> said_;
};

class SlowUnderstander final : public Understander {
 public:
  SlowUnderstander(std::unique_ptr<Understander> inner, Scheduler& scheduler, std::chrono::milliseconds takes)
      : inner_(std::move(inner)), scheduler_(scheduler), takes_(takes) {}

  void Begin(Conversation history, Expectation expectation, std::vector<std::string> offered) override {
    inner_->Begin(std::move(history), std::move(expectation), std::move(offered));
  }
  void Hear(std::string partial, Done peek) override { inner_->Hear(std::move(partial), std::move(peek)); }
  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Done done) override {
    inner_->Commit(std::move(hypotheses), limit,
                   [&scheduler = scheduler_, takes = takes_, limit,
                    done = std::move(done)](Result<Understanding> understood) {
                     if (!understood) return done(std::move(understood));
                     TellLater(scheduler, takes, limit, *std::move(understood), done);
                   });
  }
  void Abandon() override { inner_->Abandon(); }

 private:
  const std::unique_ptr<Understander> inner_;
  Scheduler& scheduler_;
  const std::chrono::milliseconds takes_;
};

class HummingVoice final : public Synthesizer {
 public:
  Result<void> Speak(std::string_view text, const Sink& sink) override {
    constexpr size_t kWordSamples = kSampleRateHz / 3;
    std::vector<float> word(kWordSamples);
    for (size_t i = 0; i < kWordSamples; ++i) word[i] = i % 128 < 64 ? 0.05f : -0.05f;
    for (auto words = std::count(text.begin(), text.end(), ' ') + 1; words > 0; --words) {
      if (!sink(word)) return MakeError(ErrorCode::kCancelled, "speech was stopped");
    }
    return {};
  }
  std::string name() const override { return "stand-in"; }
};

}  // namespace

std::shared_ptr<Synthesizer> MakeHummingVoice() { return std::make_shared<HummingVoice>(); }

Result<std::unique_ptr<LiveRecognizer>> SlowRecognizers::Acquire() {
  return std::make_unique<SlowRecognizer>(scheduler_, takes_, said_);
}

std::unique_ptr<Understander> MakeSlow(std::unique_ptr<Understander> inner, Scheduler& scheduler,
                                       std::chrono::milliseconds takes) {
  return std::make_unique<SlowUnderstander>(std::move(inner), scheduler, takes);
}

}  // namespace sotto
