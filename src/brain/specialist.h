// A specialist: the small model of one workflow, with what belongs to it, as one immutable value. What it
// knows stands in its file: the stretches of calls (a tool, an argument, a listed value each) that `sotto
// train` appended to its vocabulary. A workflow that has come to name others has outgrown it: the specialist
// would have to spell words that it never met, and guess. Any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "brain/calibration.h"
#include "slm/model.h"
#include "workflow/workflow.h"

namespace sotto {

struct Specialist {
  std::shared_ptr<const Model> model;
  Calibration calibration;  // of this model; where none is stored, the uncalibrated one
  std::string card;         // card.md beside it; empty: none
  std::string
      vocabulary_hash;        // of what it knows (base/hash.h); empty: an ordinary model, without a workflow
  std::string workflow_hash;  // of the workflow.yaml that it was trained for; empty: its file does not say

  // Changes whenever something above does: 16 hexadecimal digits.
  std::string version() const;

  // `path`: of the GGUF file; calibration.json and card.md are looked for beside it. A calibration of another
  // model is left out with a warning. Errors name the file.
  static Result<std::shared_ptr<const Specialist>> Open(const std::filesystem::path& path,
                                                        const LoadOptions& options);
};

// What the workflow names and the model does not know: "tool 'buy_stock'", "slot 'shares' of 'buy_stock'",
// "value 'gold' of 'account_type' in 'check_balance'". Empty: it fits, or it is an ordinary model that is
// told the tools.
std::vector<std::string> UnknownTo(const Model& model, const Workflow& workflow);
// kInvalidArgument: the model's file, what it does not know, and what would be right.
Result<void> CheckFits(const Model& model, const Workflow& workflow);

}  // namespace sotto
