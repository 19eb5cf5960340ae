// A canary: a stable share of callers gets the candidate, the rest the champion, and their calls are compared
// as they end. Harm ends it at any moment; only proof (or a person) promotes; else it holds.
//
//   arm          hash(caller, experiment) < share: nobody switches arms while an experiment runs
//   outcome      of a call: troubled (not understood, a read-back denied, an error, handed over without having
//                asked), handed over, asked again, slow, dear
//   roll back    evidence that more turns are troubled (alpha_harm) or that a guard got worse (alpha_guard,
//                shared by the four)
//   promote      evidence that fewer calls are troubled (alpha_gain)
//   hold         everything else, and always before `least_calls` of the candidate
//
// The evidence is flywheel/sequential.h's: it may be looked at after every call. Promotion and guards count
// calls, whose outcomes are independent of each other; harm counts turns as if they were: it is noticed sooner,
// and where turns of one call go wrong together a candidate is rolled back somewhat more often than alpha_harm
// says, never promoted. Shares are in [0, 1]. Values; one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/caller.h"
#include "core/json.h"
#include "core/turn_record.h"
#include "flywheel/sequential.h"

namespace sotto {

// Where a caller stands in [0, 1) of an experiment. The same on every machine.
double CallerPoint(std::string_view caller, std::string_view experiment);
// Who calls, for the arm: the customer, else the address, else the session.
std::string CallerKey(const Caller& caller, std::string_view session);

struct CanaryOptions {
  double effect = 0.04;        // the least difference of troubled turns that is harm
  double gain_effect = 0.08;   // the same of troubled calls that is a gain
  double guard_effect = 0.08;  // the same of what the guards count, calls
  double alpha_harm = 0.10;    // chance to roll a candidate back that is as good
  double alpha_guard = 0.05;   // the same, because of a guard
  double alpha_gain = 0.03;    // chance to promote one that is no better
  size_t least_calls = 20;     // of the candidate, before anything but holding
  double slow_ms = 100;        // an understanding that took longer makes a slow call
  double dear_usd = 0.01;      // one that cost more a dear one

  // In (0, 1), as they must be. The error names the key.
  static Result<CanaryOptions> FromJson(const Json& json);
};
Json ToJson(const CanaryOptions& options);

struct CanaryCall {
  std::string session = {};
  bool candidate = false;  // arm
  int turns = 0;
  int troubled_turns = 0;
  bool troubled = false;
  bool handed_over = false;
  bool asked_again = false;
  bool slow = false;
  bool dear = false;
};

// Puts calls together from their turns.
class CallWatcher {
 public:
  explicit CallWatcher(const CanaryOptions& options) : options_(options) {}

  // Records without an arm of `experiment` are passed over. The call, where it ended with this turn.
  std::optional<CanaryCall> Take(const TurnRecord& record, std::string_view experiment);
  // Calls that have been silent since `records` of others came: they were hung up.
  std::vector<CanaryCall> TakeSilent(uint64_t records);
  std::vector<CanaryCall> TakeAll() { return TakeSilent(0); }
  size_t open() const { return open_.size(); }

 private:
  struct Open {
    CanaryCall outcome;
    double usd = 0;
    uint64_t last = 0;  // number of its last record
  };
  const CanaryOptions options_;
  std::map<std::string, Open, std::less<>> open_;
  uint64_t records_ = 0;
};

enum class CanaryDecision { kHold, kPromote, kRollBack };
std::string_view DecisionName(CanaryDecision decision);  // "hold", "promote", "roll_back"

class Canary {
 public:
  // `share`: of callers that get the candidate, in (0, 1].
  Canary(double share, const CanaryOptions& options);

  void Add(const CanaryCall& call);

  struct Judgement {
    CanaryDecision decision = CanaryDecision::kHold;
    std::string reason;  // one line
  };
  Judgement Judge() const;

  struct Arm {
    size_t calls = 0, turns = 0, troubled_turns = 0, troubled = 0, handed_over = 0, asked_again = 0, slow = 0,
           dear = 0;
  };
  const Arm& champion() const { return champion_; }
  const Arm& candidate() const { return candidate_; }
  // Arms, evidence of each test against what it needs, decision.
  Json Figures() const;

 private:
  struct Guard {
    const char* name;
    bool CanaryCall::*what;
    size_t Arm::*count;
    TwoArmEvidence evidence;
  };

  const CanaryOptions options_;
  Arm champion_;
  Arm candidate_;
  TwoArmEvidence harm_;
  TwoArmEvidence gain_;
  std::vector<Guard> guards_;
};

}  // namespace sotto
