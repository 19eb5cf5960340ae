// People with goals who call the whole assistant: what `sotto eval --conversations` measures with. Their
// lines are written by hand (docs/formats/callers.md); which one is said follows from what the assistant
// asks: an agenda, as in Schatzmann et al. 2007, "Agenda-based user simulation for bootstrapping a POMDP
// dialogue system". Judged is what was done, not how it was understood.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "assistant/text_session.h"
#include "core/calendar.h"

namespace sotto {

// One line of callers.jsonl; the keys are the fields' names.
struct SimulatedCaller {
  using Lines = std::vector<std::string>;  // said in order, the last again and again
  struct Change {
    std::string after;  // "confirm", or the slot that is asked for
    std::string say;
  };
  int line = 0;  // in the file, from 1
  std::string who, goal;
  Lines say;                             // requests
  std::map<std::string, Lines> answers;  // by "SLOT" or "TOOL.SLOT"
  Lines yes, no, again, bye;
  std::map<std::string, Lines> fix;  // by slot
  std::optional<Change> change;
  std::vector<ToolCall> want;
  bool verified = true;
  Channel channel = Channel::kSpoken;  // how the lines are meant to have come
  std::optional<Date> today;
};

// The error names file, line and key: a tool, a slot or a value that the workflow does not have, a list
// without a line, a wanted argument that nobody could ever say.
Result<std::vector<SimulatedCaller>> ReadCallers(const std::filesystem::path& path, const Workflow& workflow);

struct CallOutcome {
  std::vector<std::string> missing;  // acts that were wanted and not done, in words
  std::vector<std::string> wrong;    // acts that nobody wanted
  std::vector<TurnRecord> records;   // the greeting first
  bool handed_off = false;
  bool reached() const { return missing.empty() && wrong.empty(); }
};

// Plays one call to its end. `session` has not begun.
CallOutcome PlayCall(const SimulatedCaller& caller, TextSession& session, const Workflow& workflow);

}  // namespace sotto
