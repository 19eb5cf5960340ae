#include "specialist/call_so_far.h"

namespace sotto {

CallTurn CallTurnOf(const TurnRecord& record) {
  CallTurn turn;
  turn.text = record.understood && !record.understood->transcript.empty() ? record.understood->transcript
                                                                          : record.heard.text;
  turn.outcome = record.outcome;
  for (const Json& event : record.events) {
    const std::string name = event.value("event", "");
    turn.denials += name == "denied";
    turn.rejected += name == "slot_rejected";
    turn.dropped += name == "task_dropped";
  }
  for (const TurnRecord::Action& action : record.actions) turn.failed += !action.result.ok;
  return turn;
}

}  // namespace sotto
