#include "assistant/brain_understander.h"

#include <utility>

#include "base/log.h"
#include "brain/brain.h"
#include "brain/calibration.h"

namespace sotto {
namespace {

// Work ahead of time that comes later than this is left to Commit.
constexpr std::chrono::seconds kBeginLimit{10};
constexpr std::chrono::seconds kHearLimit{2};

// The brain's session and what it was begun with; belongs to the strand.
class BrainOnStrand {
 public:
  BrainOnStrand(std::shared_ptr<const Brain> brain, std::shared_ptr<const SuretyJudge> judge)
      : session_(std::move(brain)), judge_(std::move(judge)) {}

  void Expect(Conversation history, Expectation expectation, std::vector<std::string> offered) {
    history_ = std::move(history);
    expectation_ = std::move(expectation);
    offered_ = std::move(offered);
    begun_ = false;
  }
  Result<void> Begin() {
    if (begun_) return {};
    heard_.clear();
    SOTTO_RETURN_IF_ERROR(session_.Begin(history_, expectation_, offered_));
    begun_ = true;
    return {};
  }
  Result<void> Hear(const std::string& partial) {
    SOTTO_RETURN_IF_ERROR(Begin());
    if (partial == heard_) return {};
    SOTTO_RETURN_IF_ERROR(session_.Hear(partial));
    heard_ = partial;
    return {};
  }
  Result<Understanding> Peek(const std::string& partial) {
    SOTTO_RETURN_IF_ERROR(Hear(partial));
    return session_.Peek();
  }
  Result<Understanding> Commit(std::span<const Transcript::Hypothesis> hypotheses) {
    SOTTO_RETURN_IF_ERROR(Begin());
    begun_ = false;
    auto understanding = session_.Commit(hypotheses);
    if (understanding && judge_ != nullptr) {
      RouteStep step{.step = "specialist", .outcome = RouteStep::Outcome::kAccepted};
      step.confidence = (*judge_)(FactsOf(session_.last_features()), *understanding, expectation_);
      understanding->route = {std::move(step)};
    }
    return understanding;
  }
  void Abandon() {
    if (begun_) session_.Abandon();
    begun_ = false;
  }

 private:
  BrainSession session_;
  const std::shared_ptr<const SuretyJudge> judge_;  // may be null
  Conversation history_;
  Expectation expectation_;
  std::vector<std::string> offered_;
  std::string heard_;
  bool begun_ = false;
};

void LogFailure(const Result<void>& result) {
  if (!result && result.error().code != ErrorCode::kCancelled) {
    Log().error("the brain failed: {}", result.error().message);
  }
}

class BrainUnderstander final : public Understander {
 public:
  BrainUnderstander(std::shared_ptr<const Brain> brain, Scheduler& scheduler,
                    std::shared_ptr<const SuretyJudge> judge)
      : scheduler_(scheduler),
        strand_(scheduler.NewStrand()),
        brain_(std::make_shared<BrainOnStrand>(std::move(brain), std::move(judge))) {}
  ~BrainUnderstander() override { hearing_.Cancel(); }

  void Begin(Conversation history, Expectation expectation, std::vector<std::string> offered) override {
    // Two pieces of work: what the next utterance is about must be known even where preparing comes too late.
    scheduler_.Post(Ahead(Duration::max()),
                    [brain = brain_, history = std::move(history), expectation = std::move(expectation),
                     offered = std::move(offered)](std::stop_token) mutable {
                      brain->Expect(std::move(history), std::move(expectation), std::move(offered));
                    });
    scheduler_.Post(
        Ahead(kBeginLimit), [brain = brain_](std::stop_token) { return brain->Begin(); }, LogFailure);
  }

  void Hear(std::string partial, Done peek) override {
    hearing_.Cancel();
    if (peek == nullptr) {
      hearing_ = scheduler_.Post(
          Ahead(kHearLimit),
          [brain = brain_, partial = std::move(partial)](std::stop_token) { return brain->Hear(partial); },
          LogFailure);
      return;
    }
    Scheduler::Options options = Ahead(kHearLimit);
    options.priority = Priority::kNormal;  // it may end the turn
    hearing_ = scheduler_.Post(
        std::move(options),
        [brain = brain_, partial = std::move(partial)](std::stop_token) { return brain->Peek(partial); },
        std::move(peek));
  }

  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Done done) override {
    hearing_.Cancel();
    scheduler_.Post(
        {.strand = strand_,
         .deadline = scheduler_.clock().Now() + limit,
         .priority = Priority::kUrgent,
         .what = "understanding"},
        [brain = brain_, hypotheses = std::move(hypotheses)](std::stop_token) {
          return brain->Commit(hypotheses);
        },
        std::move(done));
  }

  void Abandon() override {
    hearing_.Cancel();
    scheduler_.Post(Ahead(Duration::max()), [brain = brain_](std::stop_token) { brain->Abandon(); });
  }

 private:
  Scheduler::Options Ahead(Duration limit) const {
    return {.strand = strand_,
            .deadline = limit == Duration::max() ? TimePoint::max() : scheduler_.clock().Now() + limit,
            .priority = Priority::kIdle,
            .what = "listening along"};
  }

  Scheduler& scheduler_;
  const Scheduler::Strand strand_;
  const std::shared_ptr<BrainOnStrand> brain_;
  Scheduler::Ticket hearing_;  // the last words that were heard
};

}  // namespace

DecisionFacts FactsOf(const ConfidenceFeatures& features) {
  return {features.name_log_prob, features.min_log_prob, features.total_log_prob, features.min_margin};
}

std::unique_ptr<Understander> MakeBrainUnderstander(std::shared_ptr<const Brain> brain,
                                                    Scheduler& scheduler) {
  return MakeJudgedBrain(std::move(brain), scheduler, nullptr);
}

std::unique_ptr<Understander> MakeJudgedBrain(std::shared_ptr<const Brain> brain, Scheduler& scheduler,
                                              std::shared_ptr<const SuretyJudge> judge) {
  return std::make_unique<BrainUnderstander>(std::move(brain), scheduler, std::move(judge));
}

}  // namespace sotto
