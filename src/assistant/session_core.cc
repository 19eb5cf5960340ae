#include "assistant/session_core.h"

#include <utility>

#include "assistant/deployment.h"
#include "base/check.h"
#include "base/log.h"
#include "base/utc.h"

namespace sotto {
namespace {

// Where the workflow does not say (action/executor.h).
constexpr std::chrono::milliseconds kActionTimeout{5000};

std::chrono::milliseconds TimeoutOf(const ActionRequest& request) {
  const auto given = request.options.find("timeout_ms");
  if (given == request.options.end() || !given->is_number_integer()) return kActionTimeout;
  return std::chrono::milliseconds(given->get<int64_t>());
}

}  // namespace

Result<std::unique_ptr<SessionCore>> SessionCore::Open(SessionServices services, SessionOptions options,
                                                       std::unique_ptr<Understander> understander,
                                                       Listener& listener) {
  SOTTO_CHECK(services.program && services.actions != nullptr && services.clock != nullptr);
  SOTTO_CHECK(understander != nullptr);
  if (options.id.empty()) return MakeError(ErrorCode::kInvalidArgument, "a session needs an id of its own");
  std::vector<Event> events;
  if (services.journal != nullptr) {
    SOTTO_ASSIGN_OR_RETURN(events, services.journal->Load(options.id, services.program->workflow().name));
    SOTTO_RETURN_IF_ERROR(CheckCaller(options.id, events, options.caller));
  }
  return std::unique_ptr<SessionCore>(
      new SessionCore(std::move(services), std::move(options), std::move(understander), listener, events));
}

SessionCore::SessionCore(SessionServices services, SessionOptions options,
                         std::unique_ptr<Understander> understander, Listener& listener,
                         const std::vector<Event>& events)
    : services_(std::move(services)),
      options_(std::move(options)),
      listener_(listener),
      resumed_(!events.empty()),
      began_at_(services_.clock->Now()),
      taker_(services_.program, std::move(understander), events),
      next_turn_(taker_.dialogue().state().turn) {}

TurnRecord& SessionCore::NewTurn(std::string ended_by) {
  SOTTO_CHECK(idle());
  taker_.SetToday(services_.today.value_or(LocalDate(services_.clock->WallNow())));
  record_ = {};
  record_.session = options_.id;
  record_.turn = next_turn_++;
  record_.at = UtcStamp(services_.clock->WallNow());
  record_.channel = options_.channel;
  record_.ended_by = std::move(ended_by);
  if (services_.deployment != nullptr) record_.release = services_.deployment->parts().release;
  return record_;
}

void SessionCore::Begin() {
  began_at_ = Now();
  NewTurn("begin");
  unknown_ = resumed_;
  if (!resumed_) {
    Apply(taker_.Begin(options_.id, options_.caller));
  } else if (taker_.acting()) {  // goes on for whom it was begun
    action_ = taker_.dialogue().running_action();
    Act();
  } else {
    Decision last;
    last.reply = taker_.dialogue().state().last_reply;
    last.ended = ended();
    Apply(std::move(last));
  }
  inbox_->Read();
}

void SessionCore::Take() {
  const Transcript& heard = record_.heard;
  if (heard.text.empty()) {
    record_.times.understood = Ms();
    Apply(taker_.TakeNothing(&record_));
  } else {
    std::vector<Transcript::Hypothesis> hypotheses = heard.n_best;
    if (hypotheses.empty()) hypotheses.push_back({heard.text, 0});
    Enter(Stage::kUnderstanding, options_.understand_within);
    AskNetwork(hypotheses.front().text);
    taker_.Understand(std::move(hypotheses), options_.understand_within, Awaited(&SessionCore::OnUnderstood));
  }
  inbox_->Read();
}

void SessionCore::TakeSilence() {
  Apply(taker_.NoInput(&record_));
  inbox_->Read();
}

void SessionCore::Poll() {
  inbox_->Read();
  if (stage_ != Stage::kIdle && Now() >= stage_ends_) {
    OnMissed();
    inbox_->Read();
  }
}

void SessionCore::Settle() {
  while (Poll(), !idle() || storing_) inbox_->Wait(idle() ? kActionTimeout : stage_ends_ - Now());
}

void SessionCore::CloseRecord() {
  taker_.Describe(&record_);
  if (services_.network != nullptr && record_.outcome != TurnRecord::Outcome::kBegan)
    call_.turns.push_back(CallTurnOf(record_));
  if (services_.turns == nullptr) return;
  if (const auto written = services_.turns->Write(record_); !written) {
    Log().error("{}: turn {}: {}", record_.session, record_.turn, written.error().message);
    record_.errors.push_back(written.error().message);
  }
}

template <typename T>
std::function<void(T)> SessionCore::Awaited(void (SessionCore::*handle)(T)) {
  return [inbox = inbox_, this, number = awaited_, handle](T told) {
    inbox->Put([this, number, handle, told = std::move(told)] {
      if (number == awaited_) (this->*handle)(told);
    });
  };
}

void SessionCore::Enter(Stage stage, Duration limit) {
  ++awaited_;
  stage_ = stage;
  stage_ends_ = Now() + limit;
}

// Of the words that were understood where that is known later: the best reading is what most turns are taken for.
void SessionCore::AskNetwork(const std::string& text) {
  understood_.reset();
  network_awaited_ = services_.network != nullptr;
  if (!network_awaited_) return;
  asked_network_at_ = Now();
  const int turn = record_.turn;
  services_.network->Ask(text, services_.today.value_or(LocalDate(services_.clock->WallNow())), call_,
                         options_.understand_within, [inbox = inbox_, this, turn](Result<Json> said) {
                           inbox->Put([this, turn, said = std::move(said)] {
                             if (network_awaited_ && record_.turn == turn) OnAnnotated(said);
                           });
                         });
}

void SessionCore::OnAnnotated(Result<Json> said) {
  network_awaited_ = false;
  TurnRecord::Annotations& annotations = record_.annotations.emplace();
  annotations.ms = Milliseconds(Now() - asked_network_at_);
  if (said) {
    annotations.by = *std::move(said);
  } else {
    annotations.missed = true;
    record_.errors.push_back(said.error().message);
  }
  if (understood_) Decide(*std::exchange(understood_, std::nullopt));
}

void SessionCore::OnUnderstood(Result<Understanding> understood) {
  record_.times.understood = Ms();
  const TimePoint budget_ends = network_awaited_ ? asked_network_at_ + services_.network->budget() : Now();
  if (Now() < budget_ends) {
    understood_ = std::move(understood);
    Enter(Stage::kUnderstanding, budget_ends - Now());
    return;
  }
  Decide(std::move(understood));
}

void SessionCore::Decide(Result<Understanding> understood) {
  if (network_awaited_) {
    network_awaited_ = false;
    TurnRecord::Annotations& annotations = record_.annotations.emplace();
    annotations.ms = Milliseconds(Now() - asked_network_at_);
    annotations.missed = true;
  }
  const NetworkDef::Rule* rule = record_.annotations && !record_.annotations->missed
                                     ? services_.network->network().Decide(record_.annotations->by)
                                     : nullptr;
  if (rule != nullptr) record_.annotations->rule = rule->when + " -> " + rule->then;
  Apply(taker_.Take(std::move(understood), record_.heard.text, &record_, rule));
}

void SessionCore::OnMissed() {
  if (understood_) {  // the network missed its budget
    Decide(*std::exchange(understood_, std::nullopt));
    return;
  }
  if (stage_ == Stage::kUnderstanding) {
    OnUnderstood(
        MakeError(ErrorCode::kTimeout, "not understood within {} ms", options_.understand_within.count()));
    return;
  }
  record_.errors.push_back(stage_ == Stage::kStoring
                               ? fmt::format("{} was not begun: the journal took longer than {} ms",
                                             action_->action, options_.store_within.count())
                               : fmt::format("{} did not come back in time", action_->action));
  Log().error("{}: turn {}: {}", record_.session, record_.turn, record_.errors.back());
  OnActed({false, "timeout", Json::object()});
}

void SessionCore::Apply(Decision decision) {
  ++awaited_;
  stage_ = Stage::kIdle;
  AddDecision(decision, &record_);
  if (decision.hand_off) hand_off_ = decision.hand_off;
  action_ = decision.action;
  if (action_) Enter(Stage::kStoring, options_.store_within);
  listener_.OnDecision(decision);
  Keep(decision.events);
  if (!action_) Settled();
}

void SessionCore::Settled() {
  if (std::exchange(unknown_, false)) Keep(taker_.Know(options_.caller));
  record_.times.replied = Ms();
  listener_.OnSettled();
}

void SessionCore::Keep(const std::vector<Event>& events) {
  if (services_.journal != nullptr) unstored_.insert(unstored_.end(), events.begin(), events.end());
  Store();
}

void SessionCore::Store() {
  if (storing_) return;
  if (unstored_.empty()) {
    if (stage_ == Stage::kStoring) Act();
    return;
  }
  storing_ = true;
  services_.journal->Append(
      options_.id, services_.program->workflow().name, unstored_, services_.clock->WallNow(),
      [inbox = inbox_, this, count = unstored_.size()](Result<void> stored) {
        inbox->Put([this, count, stored = std::move(stored)] { OnStored(count, stored); });
      });
}

void SessionCore::OnStored(size_t count, const Result<void>& stored) {
  storing_ = false;
  if (stored) {
    unstored_.erase(unstored_.begin(), unstored_.begin() + static_cast<std::ptrdiff_t>(count));
    Store();
    return;
  }
  record_.errors.push_back(stored.error().message);
  Log().error("{}: turn {}: {}", record_.session, record_.turn, stored.error().message);
  if (stage_ == Stage::kStoring) OnActed({false, "unavailable", Json::object()});
}

void SessionCore::Act() {
  action_began_ = Now();
  Enter(Stage::kActing, TimeoutOf(*action_) + options_.act_grace);
  services_.actions->Start(*action_, Awaited(&SessionCore::OnActed));
}

void SessionCore::OnActed(ToolResult result) {
  const bool begun = stage_ == Stage::kActing;
  record_.actions.push_back({*std::move(action_), result, begun ? Milliseconds(Now() - action_began_) : 0});
  record_.times.acted = Ms();
  Apply(taker_.AfterAction(result, UtcStamp(services_.clock->WallNow())));
}

}  // namespace sotto
