// What the brain made of one utterance.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/tool.h"

namespace sotto {

struct Understanding {
  // Confidences are calibrated probabilities in [0, 1] (raw where no calibration is stored beside the model).
  struct Call {
    ToolCall call;
    double confidence = 0;
    std::vector<std::pair<std::string, double>>
        arguments;  // name, confidence; in the order of call.arguments
  };
  std::vector<Call> calls;        // at least one
  double confidence = 0;          // of the whole list
  std::string transcript;         // the hypothesis that was understood, of those given
  std::string made_by = "model";  // model, cache, escalation, rule

  struct Cost {
    int prefilled = 0;  // tokens computed after commit, before the first decision
    int forced = 0;     // tokens appended without asking the model
    int decided = 0;    // model decisions
    double commit_to_call_ms = 0;
  } cost;
};

}  // namespace sotto
