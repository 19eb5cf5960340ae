// What the steps of the flywheel begin with: the workflow, the log, the labels, and what counts as a proof.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "brain/label_rules.h"
#include "cli/flywheel.h"
#include "flywheel/clean.h"
#include "flywheel/label_store.h"
#include "workflow/workflow.h"

namespace sotto {

struct FlywheelFlags {
  std::string workflow;
  std::string store;
  QueryFlags query;
  EvidenceOptions evidence;
  std::vector<std::string> trust;  // further label sources
  size_t least_models = 2;

  void AddTo(CLI::App& command);
};

struct FlywheelInput {
  std::shared_ptr<const Workflow> workflow;
  LogView log;
  std::vector<Label> standing;
  Resolution labels;
  EvidenceOptions evidence;  // with labels and rules; this object outlives it

  // The error names file or option.
  static Result<std::unique_ptr<FlywheelInput>> Open(const FlywheelFlags& flags);
  // With a progress bar.
  Cleaned Clean() const;

 private:
  std::unique_ptr<LabelRules> rules_;
};

}  // namespace sotto
