#include "speech/live_recognizer.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stop_token>
#include <utility>
#include <vector>

#include "base/check.h"
#include "core/audio.h"

namespace sotto {
namespace {

constexpr size_t kMaxWaitingSamples = 30 * kSampleRateHz;

// One utterance on its way to the engine. `cancelled` and what is guarded are shared, the rest belongs to the
// strand.
struct Utterance {
  std::atomic<bool> cancelled{false};
  std::mutex mutex;
  std::vector<float> waiting;  // guarded
  bool feeding = false;        // guarded: work that will take what waits is posted
  size_t dropped = 0;          // guarded: samples
  bool started = false;
  std::optional<Error> error;

  // False where the audio needs work to be posted for it.
  bool Add(std::span<const float> samples) {
    const std::lock_guard lock(mutex);
    waiting.insert(waiting.end(), samples.begin(), samples.end());
    if (waiting.size() > kMaxWaitingSamples) {
      const size_t excess = waiting.size() - kMaxWaitingSamples;
      waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(excess));
      dropped += excess;
    }
    return std::exchange(feeding, true);
  }
  std::vector<float> TakeWaiting() {
    const std::lock_guard lock(mutex);
    feeding = false;
    return std::exchange(waiting, {});
  }
};

// The engine with its utterances; belongs to the strand.
class Engine {
 public:
  Engine(std::shared_ptr<RecognizerPool> pool, std::unique_ptr<Recognizer> recognizer)
      : pool_(std::move(pool)), recognizer_(std::move(recognizer)) {}

  void NewCaller() { recognizer_->NewCaller(); }
  void SetPhrases(std::span<const std::string> phrases) { recognizer_->SetPhrases(phrases); }
  // Any thread: what is computed for this utterance now is not wanted.
  void Interrupt(const Utterance& utterance) {
    const std::lock_guard lock(mutex_);
    if (current_ == &utterance) recognizer_->Interrupt();
  }
  void Start(Utterance& utterance, ListeningMode mode) {
    {
      const std::lock_guard lock(mutex_);
      current_ = &utterance;
    }
    if (utterance.cancelled) return;
    const auto started = recognizer_->Start(mode);
    utterance.started = started.has_value();
    if (!started) utterance.error = started.error();
  }
  void Feed(Utterance& utterance) {
    const std::vector<float> samples = utterance.TakeWaiting();
    if (samples.empty() || utterance.cancelled || !utterance.started || utterance.error) return;
    if (const auto fed = recognizer_->Feed(samples); !fed) utterance.error = fed.error();
  }
  // Nothing where `yield` is set already.
  std::optional<Transcript> Partial(Utterance& utterance, const std::stop_token& yield) {
    Feed(utterance);
    if (utterance.cancelled || !utterance.started || utterance.error || yield.stop_requested())
      return std::nullopt;
    const std::stop_callback yields(yield, [this] { recognizer_->Yield(); });
    return recognizer_->Partial();
  }
  // Any thread.
  void Yield() { recognizer_->Yield(); }
  Result<Transcript> Finish(Utterance& utterance) {
    Feed(utterance);
    if (!utterance.started && !utterance.error) {
      utterance.error = Error{ErrorCode::kUnavailable, "the recognizer was too busy to start"};
    }
    if (utterance.dropped > 0 && !utterance.error) {
      utterance.error =
          Error{ErrorCode::kUnavailable, fmt::format("the recognizer fell behind: {} ms were lost",
                                                     utterance.dropped * 1000 / kSampleRateHz)};
    }
    const bool started = std::exchange(utterance.started, false);
    if (utterance.error) {
      if (started) recognizer_->Cancel();
      return tl::unexpected<Error>(*utterance.error);
    }
    return recognizer_->Finish();
  }
  void Cancel(Utterance& utterance) {
    if (std::exchange(utterance.started, false)) recognizer_->Cancel();
  }

 private:
  const std::shared_ptr<RecognizerPool> pool_;  // takes the recognizer back, whatever still runs
  const std::unique_ptr<Recognizer> recognizer_;
  std::mutex mutex_;
  const Utterance* current_ = nullptr;  // guarded: that the recognizer was started with last
};

class ScheduledRecognizer final : public LiveRecognizer {
 public:
  ScheduledRecognizer(std::shared_ptr<RecognizerPool> pool, std::unique_ptr<Recognizer> recognizer,
                      Scheduler& scheduler)
      : scheduler_(scheduler),
        strand_(scheduler.NewStrand()),
        blocks_(pool->blocks()),
        engine_(std::make_shared<Engine>(std::move(pool), std::move(recognizer))) {}
  ~ScheduledRecognizer() override { Cancel(); }

  void NewCaller() override {
    Cancel();
    Post([engine = engine_](std::stop_token) { engine->NewCaller(); });
  }

  void SetPhrases(std::vector<std::string> phrases) override {
    Post([engine = engine_, phrases = std::move(phrases)](std::stop_token) { engine->SetPhrases(phrases); });
  }

  void Start(ListeningMode mode) override {
    SOTTO_CHECK(utterance_ == nullptr);
    utterance_ = std::make_shared<Utterance>();
    Post([engine = engine_, utterance = utterance_, mode](std::stop_token) {
      engine->Start(*utterance, mode);
    });
  }

  void Feed(std::span<const float> samples) override {
    SOTTO_CHECK(utterance_ != nullptr);
    if (utterance_->Add(samples)) return;
    Post([engine = engine_, utterance = utterance_](std::stop_token) { engine->Feed(*utterance); });
  }

  void Partial(bool pausing, PartialDone done) override {
    SOTTO_CHECK(utterance_ != nullptr);
    Scheduler::Options options = At(pausing ? Priority::kNormal : Priority::kIdle, TimePoint::max());
    options.yields = !pausing;
    if (pausing) engine_->Yield();  // what was asked for while they spoke
    scheduler_.Post(
        std::move(options),
        [engine = engine_, utterance = utterance_](std::stop_token stop)
            -> Result<std::optional<Transcript>> { return engine->Partial(*utterance, stop); },
        [done = std::move(done)](Result<std::optional<Transcript>> partial) {
          done(partial ? *std::move(partial) : std::nullopt);
        });
  }

  void Finish(Duration limit, FinalDone done) override {
    SOTTO_CHECK(utterance_ != nullptr);
    scheduler_.Post(
        At(Priority::kUrgent, scheduler_.clock().Now() + limit),
        [engine = engine_, utterance = utterance_](std::stop_token) { return engine->Finish(*utterance); },
        [this_utterance = utterance_, done = std::move(done)](Result<Transcript> final) {
          this_utterance->cancelled = true;
          done(std::move(final));
        });
    // Where the final is given up before its turn came, the engine must still be told.
    Post([engine = engine_, utterance = std::exchange(utterance_, nullptr)](std::stop_token) {
      engine->Cancel(*utterance);
    });
  }

  void Cancel() override {
    if (utterance_ == nullptr) return;
    utterance_->cancelled = true;
    engine_->Interrupt(*utterance_);
    Post([engine = engine_, utterance = std::exchange(utterance_, nullptr)](std::stop_token) {
      engine->Cancel(*utterance);
    });
  }

 private:
  Scheduler::Options At(Priority priority, TimePoint deadline) const {
    return {.strand = strand_,
            .deadline = deadline,
            .priority = priority,
            .blocks = blocks_,
            .what = "recognition"};
  }
  template <typename Work>
  void Post(Work work) {
    scheduler_.Post(At(Priority::kNormal, TimePoint::max()), std::move(work));
  }

  Scheduler& scheduler_;
  const Scheduler::Strand strand_;
  const bool blocks_;
  const std::shared_ptr<Engine> engine_;
  std::shared_ptr<Utterance> utterance_;  // that is open
};

class ScheduledPool final : public LiveRecognizerPool {
 public:
  ScheduledPool(std::shared_ptr<RecognizerPool> pool, Scheduler& scheduler)
      : pool_(std::move(pool)), scheduler_(scheduler) {}
  Result<std::unique_ptr<LiveRecognizer>> Acquire() override {
    SOTTO_ASSIGN_OR_RETURN(auto recognizer, pool_->Acquire());
    return std::make_unique<ScheduledRecognizer>(pool_, std::move(recognizer), scheduler_);
  }
  std::string name() const override { return pool_->name(); }

 private:
  const std::shared_ptr<RecognizerPool> pool_;
  Scheduler& scheduler_;
};

}  // namespace

std::unique_ptr<LiveRecognizerPool> MakeLiveRecognizers(std::shared_ptr<RecognizerPool> pool,
                                                        Scheduler& scheduler) {
  return std::make_unique<ScheduledPool>(std::move(pool), scheduler);
}

}  // namespace sotto
