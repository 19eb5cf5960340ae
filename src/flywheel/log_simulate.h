// Logs of a workflow that nobody has called yet: people of the simulator (learn/simulator.h) talk, the real
// dialogue hears what an imperfect assistant made of it, and they say no, say it again, ask for what nobody
// serves, fall silent or get a person. For tests, for measuring the flywheel and for trying it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/conversation_jsonl.h"
#include "core/turn_record.h"
#include "privacy/planted.h"
#include "workflow/workflow.h"

namespace sotto {

struct LogSimulation {
  size_t turns = 5000;  // with words of a caller; the last conversation is finished
  uint64_t seed = 1;
  double wrong = 0.06;        // of requests: taken for another tool, told so, and said again
  double unclear = 0.06;      // of turns: not understood, and said again
  double badly_heard = 0.04;  // of turns: heard with little confidence
  double silent = 0.02;       // of turns: nothing was said first
  double unserved = 0.05;     // of conversations: ask for what no tool does, and get a person
  double spoken = 0.7;        // of conversations: by voice; the others are typed
  double planted = 0;         // of turns: a personal value is said, heard and repeated
  std::string begins = "2026-11-02T08:00:00Z";
  int days = 7;  // over which conversations are spread
  std::string model = "simulated";
};

struct SimulatedLogs {
  std::vector<TurnRecord> records;   // as they happened: not redacted
  std::vector<PlantedText> planted;  // what was planted in them
};

// Who calls instead of the simulator's people, and who understands them instead of a mistaken labeller.
struct SimulatedCallers {
  std::vector<LabelledConversation>
      conversations;  // each once, in this order; LogSimulation::turns is not used
  // What is made of `words` after `history`. A caller whose words are taken for something else than their label
  // says so and gets a person; who is read back what they said says yes. Empty: as labelled, but for mistakes by
  // lot (wrong, unclear).
  std::function<Result<Understanding>(const Conversation& history, const Expectation& expectation,
                                      const std::vector<std::string>& offered, const std::string& words)>
      understand = {};
};

// The same options give the same logs. The error: the workflow has nothing to speak with.
Result<SimulatedLogs> SimulateLogs(std::shared_ptr<const Workflow> workflow, const LogSimulation& options);
// REQUIRES: options.planted == 0.
Result<SimulatedLogs> SimulateCallers(std::shared_ptr<const Workflow> workflow, const LogSimulation& options,
                                      const SimulatedCallers& callers);

}  // namespace sotto
