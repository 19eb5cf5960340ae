#include "flywheel/canary.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"

namespace sotto {
namespace {

// So many calls of the champion for one of the candidate, as many as the share gives.
size_t RatioOf(double share) {
  const double ratio = (1 - share) / std::max(share, 1e-9);
  return static_cast<size_t>(std::clamp(std::floor(ratio), 1.0, 50.0));
}

double ShareOf(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

Json ToJson(const Canary::Arm& arm) {
  return {{"calls", arm.calls},
          {"turns", arm.turns},
          {"troubled_turns", arm.troubled_turns},
          {"troubled", arm.troubled},
          {"handed_over", arm.handed_over},
          {"asked_again", arm.asked_again},
          {"slow", arm.slow},
          {"dear", arm.dear}};
}

// FNV-1a leaves the high bits of short texts alike; this spreads them.
uint64_t Spread(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdu;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53u;
  return x ^ (x >> 33);
}

bool HasEvent(const TurnRecord& record, std::string_view name) {
  return std::any_of(record.events.begin(), record.events.end(), [&](const Json& event) {
    return event.is_object() && event.value("event", "") == name;
  });
}

}  // namespace

double CallerPoint(std::string_view caller, std::string_view experiment) {
  const uint64_t hash = Spread(Fnv1a(caller, Fnv1a("\n", Fnv1a(experiment))));
  return static_cast<double>(hash >> 11) * 0x1.0p-53;
}

std::string CallerKey(const Caller& caller, std::string_view session) {
  if (!caller.customer.empty()) return "customer " + caller.customer;
  if (!caller.address.empty()) return "address " + caller.address;
  return "session " + std::string(session);
}

Json ToJson(const CanaryOptions& options) {
  return {{"effect", options.effect},
          {"gain_effect", options.gain_effect},
          {"guard_effect", options.guard_effect},
          {"alpha_harm", options.alpha_harm},
          {"alpha_guard", options.alpha_guard},
          {"alpha_gain", options.alpha_gain},
          {"least_calls", options.least_calls},
          {"slow_ms", options.slow_ms},
          {"dear_usd", options.dear_usd}};
}

Result<CanaryOptions> CanaryOptions::FromJson(const Json& json) {
  CanaryOptions options;
  const struct {
    const char* key;
    double* to;
    double most;
  } numbers[] = {{"effect", &options.effect, 0.49},           {"guard_effect", &options.guard_effect, 0.49},
                 {"gain_effect", &options.gain_effect, 0.49}, {"alpha_harm", &options.alpha_harm, 0.5},
                 {"alpha_guard", &options.alpha_guard, 0.5},  {"alpha_gain", &options.alpha_gain, 0.5},
                 {"slow_ms", &options.slow_ms, 1e9},          {"dear_usd", &options.dear_usd, 1e9}};
  for (const auto& number : numbers) {
    const auto found = json.find(number.key);
    if (found == json.end()) continue;
    if (!found->is_number() || !(found->get<double>() > 0 && found->get<double>() <= number.most)) {
      return MakeError(ErrorCode::kInvalidArgument, "{} of a canary must be above 0 and at most {}, not {}",
                       number.key, number.most, found->dump());
    }
    *number.to = found->get<double>();
  }
  if (const auto found = json.find("least_calls"); found != json.end()) {
    if (!found->is_number_integer() || found->get<int64_t>() < 1)
      return MakeError(ErrorCode::kInvalidArgument, "least_calls of a canary must be 1 or more, not {}",
                       found->dump());
    options.least_calls = found->get<size_t>();
  }
  return options;
}

std::optional<CanaryCall> CallWatcher::Take(const TurnRecord& record, std::string_view experiment) {
  if (record.release.experiment != experiment || record.release.arm.empty()) return std::nullopt;
  Open& open = open_[record.session];
  CanaryCall& call = open.outcome;
  call.session = record.session;
  call.candidate = record.release.arm == "candidate";
  open.last = ++records_;
  if (record.outcome != TurnRecord::Outcome::kBegan) ++call.turns;
  const bool not_understood = record.outcome == TurnRecord::Outcome::kNotUnderstood;
  call.asked_again = call.asked_again || not_understood;
  const bool escalated = record.outcome == TurnRecord::Outcome::kEscalated;
  call.handed_over = call.handed_over || escalated;
  const bool asked_for = record.escalation && record.escalation->reason == "asked";
  const bool troubled =
      not_understood || (escalated && !asked_for) || !record.errors.empty() || HasEvent(record, "denied");
  if (troubled && record.outcome != TurnRecord::Outcome::kBegan) ++call.troubled_turns;
  call.troubled = call.troubled_turns > 0;
  if (record.understood) {
    call.slow = call.slow || record.understood->cost.commit_to_call_ms > options_.slow_ms;
    for (const RouteStep& step : record.understood->route) open.usd += step.cost;
    call.dear = open.usd > options_.dear_usd;
  }
  if (!escalated && !record.reply.ends_conversation && !HasEvent(record, "ended")) return std::nullopt;
  CanaryCall done = std::move(call);
  open_.erase(record.session);
  if (done.turns == 0) return std::nullopt;  // nobody said anything
  return done;
}

std::vector<CanaryCall> CallWatcher::TakeSilent(uint64_t records) {
  std::vector<CanaryCall> silent;
  for (auto at = open_.begin(); at != open_.end();) {
    if (records_ - at->second.last < records) {
      ++at;
      continue;
    }
    if (at->second.outcome.turns > 0) silent.push_back(std::move(at->second.outcome));
    at = open_.erase(at);
  }
  return silent;
}

std::string_view DecisionName(CanaryDecision decision) {
  switch (decision) {
    case CanaryDecision::kHold:
      return "hold";
    case CanaryDecision::kPromote:
      return "promote";
    case CanaryDecision::kRollBack:
      return "roll_back";
  }
  return "hold";
}

Canary::Canary(double share, const CanaryOptions& options)
    : options_(options),
      harm_(TwoArmEvidence::Direction::kHarm, RatioOf(share), options.effect),
      gain_(TwoArmEvidence::Direction::kGain, RatioOf(share), options.gain_effect) {
  const auto guard = [&](const char* name, bool CanaryCall::*what, size_t Arm::*count) {
    guards_.push_back(
        {name, what, count, {TwoArmEvidence::Direction::kHarm, RatioOf(share), options.guard_effect}});
  };
  guard("hand-offs", &CanaryCall::handed_over, &Arm::handed_over);
  guard("calls asked again", &CanaryCall::asked_again, &Arm::asked_again);
  guard("slow calls", &CanaryCall::slow, &Arm::slow);
  guard("dear calls", &CanaryCall::dear, &Arm::dear);
}

void Canary::Add(const CanaryCall& call) {
  Arm& arm = call.candidate ? candidate_ : champion_;
  ++arm.calls;
  arm.turns += static_cast<size_t>(std::max(0, call.turns));
  arm.troubled += call.troubled ? 1 : 0;
  const auto add = [&](TwoArmEvidence& evidence, bool value) {
    call.candidate ? evidence.AddCandidate(value) : evidence.AddChampion(value);
  };
  arm.troubled_turns += static_cast<size_t>(std::max(0, call.troubled_turns));
  for (int turn = 0; turn < call.turns; ++turn) add(harm_, turn < call.troubled_turns);
  add(gain_, call.troubled);
  for (Guard& guard : guards_) {
    arm.*guard.count += call.*guard.what ? 1 : 0;
    add(guard.evidence, call.*guard.what);
  }
}

Canary::Judgement Canary::Judge() const {
  if (candidate_.calls < options_.least_calls || champion_.calls < options_.least_calls) {
    return {CanaryDecision::kHold,
            fmt::format("too few calls: {} with the candidate, {} with the champion, {} of each are needed",
                        candidate_.calls, champion_.calls, options_.least_calls)};
  }
  const auto shares = [&](size_t Arm::*count) {
    return fmt::format("{:.1f} % of {} calls, {:.1f} % of {} with the champion",
                       100 * ShareOf(candidate_.*count, candidate_.calls), candidate_.calls,
                       100 * ShareOf(champion_.*count, champion_.calls), champion_.calls);
  };
  if (harm_.peak_log_evidence() >= -std::log(options_.alpha_harm))
    return {CanaryDecision::kRollBack,
            fmt::format("more troubled turns: {:.1f} % of {}, {:.1f} % of {} with the champion",
                        100 * ShareOf(candidate_.troubled_turns, candidate_.turns), candidate_.turns,
                        100 * ShareOf(champion_.troubled_turns, champion_.turns), champion_.turns)};
  const double guard_level = options_.alpha_guard / static_cast<double>(guards_.size());
  for (const Guard& guard : guards_) {
    if (guard.evidence.peak_log_evidence() >= -std::log(guard_level))
      return {CanaryDecision::kRollBack, fmt::format("more {}: {}", guard.name, shares(guard.count))};
  }
  if (gain_.peak_log_evidence() >= -std::log(options_.alpha_gain))
    return {CanaryDecision::kPromote, "fewer troubled calls: " + shares(&Arm::troubled)};
  return {CanaryDecision::kHold, "nothing is proven yet: troubled " + shares(&Arm::troubled)};
}

Json Canary::Figures() const {
  const Judgement judged = Judge();
  Json tests = Json::object();
  const auto add = [&](const std::string& name, const TwoArmEvidence& evidence, double alpha) {
    tests[name] = {{"evidence", std::exp(std::min(evidence.peak_log_evidence(), 700.0))},
                   {"needed", 1 / alpha},
                   {"blocks", evidence.blocks()}};
  };
  add("harm", harm_, options_.alpha_harm);
  add("gain", gain_, options_.alpha_gain);
  for (const Guard& guard : guards_)
    add(guard.name, guard.evidence, options_.alpha_guard / static_cast<double>(guards_.size()));
  return {{"decision", DecisionName(judged.decision)},
          {"reason", judged.reason},
          {"champion", ToJson(champion_)},
          {"candidate", ToJson(candidate_)},
          {"tests", std::move(tests)}};
}

}  // namespace sotto
