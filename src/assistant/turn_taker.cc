#include "assistant/turn_taker.h"

#include <algorithm>

#include "base/log.h"

namespace sotto {
namespace {

// A partial understood with less is waited on like one not understood.
constexpr double kConfidentlyComplete = 0.7;

// Of a hypothesis' log score, as the brain weighs it; above the limit it may as well have been said.
constexpr double kAcousticWeight = 0.1;
constexpr double kNearlyAsLikely = -0.7;

std::vector<ToolCall> TakenCalls(const Decision& decision) {
  std::vector<ToolCall> calls;
  for (const Event& event : decision.events) {
    if (event.type != Event::Type::kUserSaid) continue;
    for (const Json& call : event.value) {
      if (auto parsed = ToolCallFromJson(call)) calls.push_back(std::move(*parsed));
    }
  }
  return calls;
}

}  // namespace

TurnTaker::TurnTaker(std::shared_ptr<const DialogueProgram> program,
                     std::unique_ptr<Understander> understander, std::span<const Event> events)
    : dialogue_(std::move(program), events), understander_(std::move(understander)) {
  DialogueState state;
  for (const Event& event : events) {
    if (event.type == Event::Type::kUserSaid) {
      Turn turn{event.name, ToExpectation(state), {}};
      for (const Json& call : event.value) {
        if (auto parsed = ToolCallFromJson(call)) turn.calls.push_back(std::move(*parsed));
      }
      history_.turns.push_back(std::move(turn));
    }
    Apply(state, event);
  }
}

void TurnTaker::Prepare() {
  if (prepared_) return;
  std::vector<std::string> controls;
  for (std::string& tool : dialogue_.OfferedTools()) {
    if (IsControlTool(tool)) controls.push_back(std::move(tool));
  }
  understander_->Begin(history_, dialogue_.expectation(), std::move(controls));
  prepared_ = true;
}

void TurnTaker::Hear(std::string_view partial, Understander::Done peek) {
  Prepare();
  understander_->Hear(std::string(partial), std::move(peek));
}

TurnTaker::Grasp TurnTaker::GraspOf(const Result<Understanding>& peeked) const {
  if (!peeked || peeked->calls.empty() || !(peeked->confidence >= kConfidentlyComplete))
    return Grasp::kNothing;
  const Expectation expected = dialogue_.expectation();
  Grasp grasp = Grasp::kComplete;
  for (const Understanding::Call& call : peeked->calls) {
    if (IsControlTool(call.call.name)) continue;
    const ToolDef* tool = workflow().FindTool(call.call.name);
    if (tool == nullptr || tool->role == ToolRole::kUnclear) return Grasp::kNothing;
    const auto has = [&](const std::string& slot) { return call.call.arguments.contains(slot); };
    const bool answered = expected.kind == Expectation::Kind::kSlots && expected.tool == tool->name &&
                          std::all_of(expected.slots.begin(), expected.slots.end(), has);
    const bool all = std::all_of(tool->slots.begin(), tool->slots.end(),
                                 [&](const Slot& slot) { return !slot.required || has(slot.name); });
    // People go on after "hi".
    if ((!answered && !all) || tool->role == ToolRole::kGreeting) grasp = Grasp::kUnderstood;
  }
  return grasp;
}

void TurnTaker::Understand(std::vector<Transcript::Hypothesis> hypotheses, Duration limit,
                           Understander::Done done) {
  Prepare();
  prepared_ = false;
  understander_->Commit(std::move(hypotheses), limit, std::move(done));
}

Decision TurnTaker::Take(Result<Understanding> understood, std::string heard, TurnRecord* record,
                         const NetworkDef::Rule* rule) {
  record->expectation = dialogue_.expectation();
  record->offered_tools = dialogue_.OfferedTools();
  TurnInput input;
  input.text = std::move(heard);
  if (understood) {
    if (!understood->transcript.empty()) input.text = understood->transcript;
    // What was badly heard is as unsure as what was badly understood. Short answers ("yes") have a recognizer
    // mode of their own and stay.
    const double share = HeardConfidence(record->heard);
    understood->confidence *= share;
    for (Understanding::Call& call : understood->calls) {
      if (!IsControlTool(call.call.name)) call.confidence *= share;
    }
    input.heard = share;
    for (const Transcript::Hypothesis& other : record->heard.n_best) {
      if (other.text != input.text && kAcousticWeight * other.log_score > kNearlyAsLikely)
        input.may_have_been.push_back(other.text);
    }
    input.calls = understood->calls;
    record->understood = *std::move(understood);
  } else {
    Log().error("{}: turn {}: {}", record->session, record->turn, understood.error().message);
    record->errors.push_back(understood.error().message);
  }
  if (rule != nullptr && rule->then == kNetworkHandOff) {
    input.hand_off = true;
  } else if (rule != nullptr) {
    input.calls = {{ToolCall{rule->then, Json::object()}, 1.0, {}, {}}};
  }
  return Decide(std::move(input), *record);
}

Decision TurnTaker::TakeNothing(TurnRecord* record) {
  record->expectation = dialogue_.expectation();
  record->offered_tools = dialogue_.OfferedTools();
  Abandon();
  return Decide({}, *record);
}

Decision TurnTaker::Decide(TurnInput input, const TurnRecord& record) {
  input.today = history_.today;
  Turn turn;
  turn.user = input.text;
  turn.expectation = record.expectation;
  Decision decision = dialogue_.Turn(input);
  // What the dialogue took the words for: a "yes" that the brain did not see is one in the history too.
  turn.calls = TakenCalls(decision);
  history_.turns.push_back(std::move(turn));
  return decision;
}

Decision TurnTaker::NoInput(TurnRecord* record) {
  record->expectation = dialogue_.expectation();
  record->offered_tools = dialogue_.OfferedTools();
  Abandon();
  return dialogue_.NoInput();
}

void TurnTaker::Abandon() {
  if (prepared_) understander_->Abandon();
  prepared_ = false;
}

void TurnTaker::Describe(TurnRecord* record) const {
  record->session = dialogue_.state().session;
  record->caller = dialogue_.state().caller;
  record->workflow = workflow().name;
  record->workflow_hash = workflow().hash;
  if (record->understood && !record->shadow) record->shadow = understander_->TakeShadow();
}

void AddDecision(const Decision& decision, TurnRecord* record) {
  using Outcome = TurnRecord::Outcome;
  for (const Event& event : decision.events) {
    record->events.push_back(ToJson(event));
    if (event.type == Event::Type::kBegan) record->outcome = Outcome::kBegan;
    if (event.type == Event::Type::kNoInput) record->outcome = Outcome::kNoInput;
    if (event.type == Event::Type::kNoProgress) record->outcome = Outcome::kNotUnderstood;
  }
  if (decision.hand_off) {
    record->outcome = Outcome::kEscalated;
    record->escalation = {"person", decision.hand_off->reason, decision.hand_off->summary};
  }
  const Reply& reply = decision.reply;
  if (reply.text.empty() && reply.parts.empty()) return;
  if (!record->reply.text.empty()) {
    record->reply.text += ' ';
    record->reply.parts.push_back({" ", true});
  }
  record->reply.text += reply.text;
  record->reply.parts.insert(record->reply.parts.end(), reply.parts.begin(), reply.parts.end());
  record->reply.interruptible = record->reply.interruptible && reply.interruptible;
  record->reply.ends_conversation =
      record->reply.ends_conversation || reply.ends_conversation || decision.ended;
}

}  // namespace sotto
