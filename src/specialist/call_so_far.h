// A conversation as who watches it sees it: what the caller said and what became of it, turn by turn. What a risk
// is read from (specialist/escalation_risk.h). Values; any thread.
#pragma once

#include <string>
#include <vector>

#include "core/turn_record.h"

namespace sotto {

struct CallTurn {
  std::string text;  // empty: silence
  TurnRecord::Outcome outcome = TurnRecord::Outcome::kHandled;
  int denials = 0;   // no to a read-back
  int rejected = 0;  // values that could not be taken
  int dropped = 0;   // tasks that the caller gave up
  int failed = 0;    // actions that came back with a failure
};

struct CallSoFar {
  std::vector<CallTurn>
      turns;  // the caller's, without the greeting; the one that is judged is not among them
};

// What a record says of its turn.
CallTurn CallTurnOf(const TurnRecord& record);

}  // namespace sotto
