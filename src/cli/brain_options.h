// Flags and steps that every subcommand with a brain shares: --workflow, --model, --threads.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "brain/brain.h"

namespace sotto {

struct BrainFlags {
  std::string workflow;
  std::string model;
  int threads = 2;
  bool no_grounding = false;

  void AddTo(CLI::App& command);
  Result<std::shared_ptr<const Workflow>> LoadWorkflowFile() const;
  Result<std::shared_ptr<const Brain>> OpenBrain() const;
};

}  // namespace sotto
