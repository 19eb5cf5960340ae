// What of a conversation nobody may hear again: the workflow's secret slots (PINs, card numbers) while they are asked
// for, turns that said one unasked, and replies that repeat one. Also what the detector of personal data takes for a
// card's number or a secret, whatever slot it was for. A value of one conversation; one thread.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "core/turn_record.h"
#include "privacy/detector.h"
#include "workflow/workflow.h"

namespace sotto {

class SecretWatch {
 public:
  // `detector` null: the workflow's language has none, and slots alone decide. `workflow` outlives it.
  SecretWatch(const Workflow& workflow, std::shared_ptr<const Detector> detector)
      : workflow_(workflow), detector_(std::move(detector)) {}

  struct Verdict {
    bool said = false;      // by the user, in this turn
    bool repeated = false;  // by the reply
  };
  // Each turn once, in order, when its reply is decided.
  Verdict Look(const TurnRecord& record);
  // The next words are probably one.
  bool Asks(const Expectation& expectation) const;

 private:
  bool Finds(std::string_view text, std::string_view before) const;

  const Workflow& workflow_;
  const std::shared_ptr<const Detector> detector_;
  std::set<std::string> values_;  // of secret slots so far, letters and digits only
  std::string last_reply_;
};

}  // namespace sotto
