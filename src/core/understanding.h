// What the brain made of one utterance.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tool.h"

namespace sotto {

// How an understanding came about.
enum class MadeBy {
  kModel,       // the specialist of the workflow, or the model that stands in for it
  kRule,        // without a model: nothing was said, or calls were given as such
  kCache,       // the same was understood before
  kEscalation,  // a larger model was asked
  kPerson,      // somebody said what was meant
};
std::string_view MadeByName(MadeBy made_by);  // "model"
// The error names the name and those that there are.
Result<MadeBy> MadeByFromName(std::string_view name);

struct Understanding {
  // Confidences are calibrated probabilities in [0, 1] (raw where no calibration is stored beside the model).
  struct Call {
    ToolCall call;
    double confidence = 0;
    std::vector<std::pair<std::string, double>>
        arguments;  // name, confidence; in the order of call.arguments
  };
  std::vector<Call> calls;  // at least one
  double confidence = 0;    // of the whole list
  std::string transcript;   // the hypothesis that was understood, of those given
  MadeBy made_by = MadeBy::kModel;
  std::string model;  // id of the model that decided (Model::id()); empty: none did

  struct Cost {
    int prefilled = 0;  // tokens computed after commit, before the first decision
    int forced = 0;     // tokens appended without asking the model
    int decided = 0;    // model decisions
    double commit_to_call_ms = 0;
  } cost;
};

}  // namespace sotto
