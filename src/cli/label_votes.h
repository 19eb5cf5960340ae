// Votes of models on what turns meant: labels by "model:NAME", candidates in the queue, which decide only where so
// many agree as somebody said may (--model-votes).
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/flywheel_input.h"
#include "flywheel/label_queue.h"

namespace sotto {

struct VoteFlags {
  std::vector<std::string> models;  // GGUF files
  std::string teacher, teacher_model;

  void AddTo(CLI::App& command);
  bool asked() const { return !models.empty() || !teacher.empty(); }
};

// One label an item and model, for the turn itself; a model that has no valid answer does not vote.
Result<std::vector<Label>> Votes(const VoteFlags& flags, const FlywheelInput& input,
                                 const std::vector<LabelItem>& items);

}  // namespace sotto
