#include "route/cascade.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/check.h"
#include "base/serial.h"

namespace sotto {
namespace {

using Kind = PlanStep::Kind;
using Outcome = RouteStep::Outcome;

// Below this it makes no sense to ask.
constexpr std::chrono::milliseconds kLeastTime{1};

class HandOver final : public Understander {
 public:
  explicit HandOver(std::string tool) : tool_(std::move(tool)) {}
  void Begin(Conversation, Expectation, std::vector<std::string>) override {}
  void Hear(std::string, Done peek) override {
    if (peek) peek(MakeError(ErrorCode::kUnsupported, "a hand-over is not guessed"));
  }
  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration, Done done) override {
    Understanding understanding;
    understanding.calls.push_back({ToolCall{tool_, Json::object()}, 1.0, {}});
    understanding.confidence = 1;
    understanding.transcript = std::move(hypotheses.front().text);
    understanding.made_by = MadeBy::kRule;
    done(std::move(understanding));
  }
  void Abandon() override {}

 private:
  const std::string tool_;
};

// All state belongs to serial_.
class Steps : public std::enable_shared_from_this<Steps> {
 public:
  using Done = Understander::Done;
  using Hypotheses = std::vector<Transcript::Hypothesis>;

  Steps(std::shared_ptr<const RoutePlan> plan, Scheduler& scheduler)
      : plan_(std::move(plan)), scheduler_(scheduler), asked_(plan_->steps.size()) {
    if (plan_->new_guard) guard_ = plan_->new_guard();
  }

  // In the order of the calls, but not while a turn is being understood.
  void Do(Serial::Work work) {
    serial_.Do([self = shared_from_this(), work = std::move(work)]() mutable {
      if (self->turn_) {
        self->later_.push_back(std::move(work));
      } else {
        work();
      }
    });
  }
  // Nobody listens any more; nothing that the steps use is used afterwards.
  void Close() {
    serial_.DoAndWait([self = shared_from_this()] {
      self->later_.clear();
      self->asked_.clear();
      self->asked_.resize(self->plan_->steps.size());
      if (self->turn_) {
        const Done done = std::move(self->turn_->done);
        self->turn_.reset();
        done(MakeError(ErrorCode::kCancelled, "nobody wants it any more"));
      }
    });
  }

  void Begin(Conversation history, Expectation expectation, std::vector<std::string> offered) {
    scope_ = {plan_->fingerprint, std::move(history), std::move(expectation), std::move(offered)};
    for (size_t i = 0; i < asked_.size(); ++i) {
      asked_[i].begun = false;
      if (plan_->steps[i].listens) BeginStep(i);
    }
  }

  void Hear(const std::string& partial, Done peek) {
    for (size_t i = 0; i < asked_.size(); ++i)
      if (plan_->steps[i].listens) asked_[i].understander->Hear(partial, std::exchange(peek, nullptr));
    if (peek) peek(MakeError(ErrorCode::kUnsupported, "no step listens along"));
  }

  void Commit(Hypotheses hypotheses, TimePoint deadline, Done done) {
    SOTTO_CHECK(!hypotheses.empty());
    turn_.emplace();
    turn_->number = ++turns_;
    turn_->hypotheses = std::move(hypotheses);
    turn_->deadline = deadline;
    turn_->done = std::move(done);
    Next();
  }

  void Abandon() {
    for (size_t i = 0; i < asked_.size(); ++i) AbandonStep(i);
  }

 private:
  struct Asked {
    std::unique_ptr<Understander> understander;  // made when it is needed
    RemoteUnderstander* remote = nullptr;        // the same, of a remote step
    bool begun = false;
  };
  struct Turn {
    uint64_t number = 0;
    Hypotheses hypotheses;
    TimePoint deadline;
    Done done;
    size_t step = 0;  // that is asked
    TimePoint asked_at;
    std::string key;  // in the cache; empty: it was not looked for
    std::vector<RouteStep> route;
    std::optional<Understanding> best;  // of those that were not sure enough
    size_t best_at = 0;                 // in `route`
    std::optional<Error> error;         // the last one
    bool late = false;
  };

  TimePoint Now() const { return scheduler_.clock().Now(); }

  void BeginStep(size_t i) {
    Asked& asked = asked_[i];
    const PlanStep& step = plan_->steps[i];
    if (asked.understander == nullptr) {
      if (step.kind == Kind::kRemote) {
        auto remote = std::make_unique<RemoteUnderstander>(step.remote, guard_);
        asked.remote = remote.get();
        asked.understander = std::move(remote);
      } else {
        asked.understander = step.make(scheduler_);
      }
    }
    asked.understander->Begin(scope_.history, scope_.expectation, scope_.offered);
    asked.begun = true;
  }
  void AbandonStep(size_t i) {
    if (asked_[i].begun) asked_[i].understander->Abandon();
    asked_[i].begun = false;
  }

  // Asks the step that is next, or ends the turn.
  void Next() {
    for (; turn_->step < plan_->steps.size(); ++turn_->step) {
      const PlanStep& step = plan_->steps[turn_->step];
      if (auto why = WhyNot(step)) {
        turn_->route.push_back({step.name, Outcome::kSkipped, *std::move(why)});
        continue;
      }
      turn_->asked_at = Now();
      return Ask(step);
    }
    End();
  }

  std::optional<std::string> WhyNot(const PlanStep& step) {
    if (turn_->deadline - Now() < kLeastTime) {
      turn_->late = true;
      return "no time left";
    }
    switch (step.kind) {
      case Kind::kLocal:
        return std::nullopt;
      case Kind::kCache:
        if (turn_->hypotheses.size() > 1) return "more than one reading of what was heard";
        return std::nullopt;
      case Kind::kSemantic:
        if (turn_->hypotheses.size() > 1) return "more than one reading of what was heard";
        if (!turn_->best) return "nobody has a guess to compare";
        return std::nullopt;
      case Kind::kPerson:
        if (unsure_turns_ + 1 < step.after)
          return fmt::format("turn {} of {} without an answer", unsure_turns_ + 1, step.after);
        return std::nullopt;
      case Kind::kRemote:
        return WhyNotRemote(step);
    }
    return std::nullopt;
  }

  std::optional<std::string> WhyNotRemote(const PlanStep& step) {
    const PrivacyRule rule = Rule();
    if (rule == PrivacyRule::kLocal || (rule == PrivacyRule::kPseudonymise && guard_ == nullptr))
      return fmt::format("privacy: {}", PrivacyRuleName(rule));
    if (plan_->spending != nullptr && !plan_->spending->Allows(step.price))
      return fmt::format("the {:.2f} USD of the day are spent", plan_->spending->most());
    if (spent_ + step.price > plan_->most_a_conversation)
      return fmt::format("the {:.4f} USD of a conversation are spent", plan_->most_a_conversation);
    if (!plan_->ask_remote)
      return fmt::format("would be asked: {} at {}, about {:.5f} USD", step.remote->model->options().model,
                         HttpOrigin(step.remote->model->options().base_url), step.price);
    if (std::string why = step.remote->model->WhyNotNow(); !why.empty()) return why;
    return std::nullopt;
  }

  // The strictest of the workflow and of every tool that this conversation has touched, or may touch now.
  PrivacyRule Rule() const {
    PrivacyRule rule = plan_->privacy.rule;
    const auto touch = [&](std::string_view tool) { rule = std::min(rule, plan_->privacy.For(tool)); };
    if (plan_->privacy.tools.empty()) return rule;
    if (!scope_.expectation.tool.empty()) touch(scope_.expectation.tool);
    for (const sotto::Turn& turn : scope_.history.turns) {
      if (!turn.expectation.tool.empty()) touch(turn.expectation.tool);
      for (const ToolCall& call : turn.calls) touch(call.name);
    }
    for (const std::string& tool : guessed_) touch(tool);
    return rule;
  }

  void Ask(const PlanStep& step) {
    const auto answered = [weak = weak_from_this(), number = turn_->number,
                           at = turn_->step](Result<Understanding> answer) {
      const auto self = weak.lock();
      if (self == nullptr) return;
      self->serial_.Do([self, number, at, answer = std::move(answer)]() mutable {
        if (self->turn_ && self->turn_->number == number && self->turn_->step == at)
          self->OnAnswer(std::move(answer));
      });
    };
    if (step.kind == Kind::kCache) {
      if (const Understanding* warm = WarmAnswer()) return answered(*warm);
      turn_->key = CacheKey(scope_, turn_->hypotheses.front().text);
      CacheNow().Find(turn_->key, [answered](std::optional<Understanding> found) {
        if (found) return answered(*std::move(found));
        answered(MakeError(ErrorCode::kNotFound, "not seen before"));
      });
      return;
    }
    if (step.kind == Kind::kSemantic) {
      scheduler_.Post(
          {.deadline = Now() + step.budget, .what = "a sentence like it"},
          [plan = plan_, scope = scope_, said = turn_->hypotheses.front().text,
           guess = *turn_->best](std::stop_token) { return plan->semantic->Find(scope, said, guess); },
          answered);
      return;
    }
    Asked& asked = asked_[turn_->step];
    if (!asked.begun) BeginStep(turn_->step);
    asked.begun = false;
    if (asked.remote != nullptr) asked.remote->SetRule(Rule());
    asked.understander->Commit(turn_->hypotheses, std::min(step.budget, turn_->deadline - turn_->asked_at),
                               answered);
  }

  void OnAnswer(Result<Understanding> answer) {
    const PlanStep& step = plan_->steps[turn_->step];
    RouteStep told{step.name, Outcome::kAccepted};
    told.ms = Milliseconds(Now() - turn_->asked_at);
    if (!answer) {
      OnError(step, std::move(answer).error(), std::move(told));
    } else {
      const bool accepted = OnUnderstanding(step, *answer, told);
      turn_->route.push_back(std::move(told));
      if (accepted) return Accept(*std::move(answer));
    }
    ++turn_->step;
    Next();
  }

  void OnError(const PlanStep& step, Error error, RouteStep told) {
    const bool missed = IsKept(step) && error.code == ErrorCode::kNotFound;
    told.outcome = missed                              ? Outcome::kUnsure
                   : error.code == ErrorCode::kTimeout ? Outcome::kLate
                                                       : Outcome::kFailed;
    turn_->late = turn_->late || error.code == ErrorCode::kTimeout;
    told.why = error.message;
    turn_->route.push_back(std::move(told));
    if (!missed) turn_->error = std::move(error);
  }

  // Whether it is the answer; fills what is told of it, and keeps it where it may still be the best.
  bool OnUnderstanding(const PlanStep& step, Understanding& answer, RouteStep& told) {
    // Whoever answered may know better how sure that is than its confidence says (route/surety.h).
    const double sure = step.kind == Kind::kLocal && !answer.route.empty() ? answer.route.front().confidence
                                                                           : answer.confidence;
    told.confidence = sure;
    told.cost = step.price;
    if (step.kind == Kind::kRemote) {
      if (!answer.route.empty() && answer.route.front().cost > 0) told.cost = answer.route.front().cost;
      spent_ += told.cost;
      if (plan_->spending != nullptr) plan_->spending->Add(told.cost);
    }
    answer.route.clear();
    const std::string& said = turn_->hypotheses.front().text;
    if (IsKept(step)) answer.transcript = said;
    const bool foreign = step.kind == Kind::kRemote || step.kind == Kind::kSemantic ||
                         (step.kind == Kind::kCache && !plan_->cache->trusted());
    if (foreign) {
      std::vector<ToolCall> calls;
      for (const Understanding::Call& call : answer.calls) calls.push_back(call.call);
      if (auto why = plan_->check(scope_.history, scope_.offered, said, calls)) {
        told.outcome = Outcome::kRefused;
        told.why = *std::move(why);
        return false;
      }
    }
    if (const auto missed = step.accept.Missed(answer, sure)) {
      told.outcome = Outcome::kUnsure;
      told.why = fmt::format("{:.4f} is below {:.4f}", sure, *missed);
      for (const Understanding::Call& call : answer.calls) guessed_.push_back(call.call.name);
      if (!turn_->best || answer.confidence > turn_->best->confidence) {
        turn_->best = std::move(answer);
        turn_->best_at = turn_->route.size();
      }
      return false;
    }
    return true;
  }

  void Accept(Understanding answer) {
    const PlanStep& step = plan_->steps[turn_->step];
    unsure_turns_ = 0;
    if (step.kind == Kind::kLocal || step.kind == Kind::kRemote) Keep(answer);
    if (IsKept(step)) answer.made_by = MadeBy::kCache;
    if (step.kind == Kind::kLocal && turn_->step > FirstLocal() && answer.made_by == MadeBy::kModel)
      answer.made_by = MadeBy::kEscalation;
    answer.route = std::move(turn_->route);
    Tell(std::move(answer));
  }

  size_t FirstLocal() const {
    const auto first = std::find_if(plan_->steps.begin(), plan_->steps.end(),
                                    [](const PlanStep& step) { return step.kind == Kind::kLocal; });
    return static_cast<size_t>(first - plan_->steps.begin());
  }

  static bool IsKept(const PlanStep& step) {
    return step.kind == Kind::kCache || step.kind == Kind::kSemantic;
  }

  // What is known from the start of what is said first; null: nothing.
  const Understanding* WarmAnswer() const {
    if (plan_->warm == nullptr || !scope_.history.turns.empty() ||
        scope_.expectation.kind != Expectation::Kind::kNone)
      return nullptr;
    return plan_->warm->Find(turn_->hypotheses.front().text);
  }

  // What may not leave is neither kept nor looked for elsewhere.
  AnswerCache& CacheNow() const {
    return plan_->cache_here != nullptr && Rule() != PrivacyRule::kAllow ? *plan_->cache_here : *plan_->cache;
  }

  void Keep(const Understanding& answer) {
    if (!plan_->keep_for) return;
    Duration ttl = Duration::max();
    std::vector<std::string> tags{plan_->tag};
    for (const Understanding::Call& call : answer.calls) {
      ttl = std::min(ttl, call.unfit.empty() ? plan_->keep_for(call.call) : Duration::zero());
      tags.push_back(plan_->tag + "/" + call.call.name);
    }
    if (ttl <= Duration::zero()) return;
    for (const Understanding::Call& call : answer.calls) guessed_.push_back(call.call.name);
    if (!turn_->key.empty()) CacheNow().Keep(turn_->key, answer, ttl, tags);
    // Of a rule's answer there is nothing to learn.
    if (plan_->semantic != nullptr && turn_->hypotheses.size() == 1 && answer.made_by != MadeBy::kRule) {
      const Understanding& guess = turn_->best ? *turn_->best : answer;
      plan_->semantic->Keep(scope_, turn_->hypotheses.front().text, guess, answer, ttl, std::move(tags));
    }
  }

  // Nobody was sure enough.
  void End() {
    ++unsure_turns_;
    if (turn_->best) {
      turn_->route[turn_->best_at].outcome = Outcome::kTaken;
      turn_->best->route = std::move(turn_->route);
      return Tell(*std::move(turn_->best));
    }
    std::string all;
    for (const RouteStep& step : turn_->route) all += fmt::format("; {}: {}", step.step, step.why);
    Error error{turn_->late ? ErrorCode::kTimeout : ErrorCode::kUnavailable, "nobody understood it" + all};
    if (turn_->error && !turn_->late) error.code = turn_->error->code;
    Tell(tl::unexpected(std::move(error)));
  }

  void Tell(Result<Understanding> answer) {
    const Done done = std::move(turn_->done);
    turn_.reset();
    guessed_.clear();
    for (size_t i = 0; i < asked_.size(); ++i) AbandonStep(i);  // who listened and was not asked
    done(std::move(answer));
    // What was asked for meanwhile, until another turn begins.
    while (!turn_ && !later_.empty()) {
      const Serial::Work work = std::move(later_.front());
      later_.pop_front();
      work();
    }
  }

  const std::shared_ptr<const RoutePlan> plan_;
  Scheduler& scheduler_;
  Serial serial_;
  std::shared_ptr<OutboundGuard> guard_;
  std::vector<Asked> asked_;  // by step
  CacheScope scope_;
  std::optional<Turn> turn_;
  std::deque<Serial::Work> later_;
  std::vector<std::string> guessed_;  // tools that this turn may have meant
  uint64_t turns_ = 0;
  int unsure_turns_ = 0;
  double spent_ = 0;
};

// What somebody waits for: told once, also where the work that would tell it is dropped.
class Owed {
 public:
  explicit Owed(Understander::Done done) : done_(std::move(done)) {}
  ~Owed() {
    if (done_) done_(MakeError(ErrorCode::kCancelled, "nobody wants it any more"));
  }
  Owed(const Owed&) = delete;
  Owed& operator=(const Owed&) = delete;
  Understander::Done Take() { return std::exchange(done_, nullptr); }

 private:
  Understander::Done done_;
};

class Cascade final : public Understander {
 public:
  Cascade(std::shared_ptr<const RoutePlan> plan, Scheduler& scheduler)
      : clock_(scheduler.clock()), steps_(std::make_shared<Steps>(std::move(plan), scheduler)) {}
  ~Cascade() override { steps_->Close(); }

  void Begin(Conversation history, Expectation expectation, std::vector<std::string> offered) override {
    const auto steps = steps_;
    steps->Do([steps, history = std::move(history), expectation = std::move(expectation),
               offered = std::move(offered)]() mutable {
      steps->Begin(std::move(history), std::move(expectation), std::move(offered));
    });
  }
  void Hear(std::string partial, Done peek) override {
    const auto steps = steps_;
    steps->Do([steps, partial = std::move(partial), peek = std::make_shared<Owed>(std::move(peek))] {
      steps->Hear(partial, peek->Take());
    });
  }
  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Done done) override {
    const auto steps = steps_;
    steps->Do([steps, hypotheses = std::move(hypotheses), deadline = clock_.Now() + limit,
               done = std::make_shared<Owed>(std::move(done))]() mutable {
      steps->Commit(std::move(hypotheses), deadline, done->Take());
    });
  }
  void Abandon() override {
    const auto steps = steps_;
    steps->Do([steps] { steps->Abandon(); });
  }

 private:
  const Clock& clock_;
  const std::shared_ptr<Steps> steps_;
};

}  // namespace

std::unique_ptr<Understander> MakeCascade(std::shared_ptr<const RoutePlan> plan, Scheduler& scheduler) {
  SOTTO_CHECK(plan != nullptr && plan->Check().has_value());
  return std::make_unique<Cascade>(std::move(plan), scheduler);
}

std::unique_ptr<Understander> MakeHandOver(std::string tool) {
  return std::make_unique<HandOver>(std::move(tool));
}

}  // namespace sotto
