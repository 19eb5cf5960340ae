// One sentence said to the whole assistant at a known place, and what must have come of it: what
// `sotto eval --probes` measures with (docs/formats/probes.md), after the behavioural tests of Ribeiro et al. 2020,
// "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList". Judged is what was done or read, not how it
// was understood.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "assistant/text_session.h"

namespace sotto {

// One line of probes.jsonl; the keys are the fields' names.
struct Probe {
  enum class Right {
    kDone,     // an act is done
    kNothing,  // none is
    kAsk,      // no figure is taken from the sentence
    kFigure,   // exactly `figure` is
  };
  int line = 0;  // in the file, from 1
  std::vector<std::string> before;
  std::string say;
  std::string kind;  // for the report
  Right right = Right::kNothing;
  double figure = 0;
  Channel channel = Channel::kSpoken;  // how the lines are meant to have come
};

// Those for this workflow: rows with another name in "workflow" are passed over. The error names file, line and key.
Result<std::vector<Probe>> ReadProbes(const std::filesystem::path& path, const Workflow& workflow);

struct ProbeOutcome {
  // The lines before brought the conversation to where the sentence is meant: to a read-back for kDone, and for kNothing
  // where there are lines before. Else nothing is known.
  bool reached = true;
  bool right = false;
  std::vector<TurnRecord> records;  // the greeting first
};

// `session` has not begun.
ProbeOutcome PlayProbe(const Probe& probe, TextSession& session, const Workflow& workflow);

}  // namespace sotto
