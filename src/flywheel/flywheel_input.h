// What the steps of the flywheel begin with, on the command line and in the server: the workflow, its turns in a
// store, the labels that stand, and what counts as a proof. Immutable once opened; any thread.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "brain/label_rules.h"
#include "flywheel/clean.h"
#include "flywheel/label_store.h"
#include "workflow/workflow.h"

namespace sotto {

struct FlywheelInputOptions {
  std::filesystem::path store;  // a turn store, which is there
  TurnQuery query = {};
  EvidenceOptions evidence = {};
  std::vector<std::string> trust = {};  // further sources whose calls are labels
  // The workflow as it is live, with its model: a label of an import that names another of its tools than this model
  // surely hears is doubted. A tool that it does not have is not doubted. Empty: no label is.
  std::filesystem::path doubted_by = {};
  int n_threads = 2;
  size_t least_models = 2;  // that agree label a turn that no person has; 0: models never do
};

struct FlywheelInput {
  std::shared_ptr<const Workflow> workflow;
  LogView log;
  std::vector<Label> standing;
  Resolution labels;
  EvidenceOptions evidence;  // with labels and rules; this object outlives it

  // The turns of `workflow`, and those that do not say whose they are.
  static Result<std::unique_ptr<FlywheelInput>> Open(std::shared_ptr<const Workflow> workflow,
                                                     const FlywheelInputOptions& options);
  Cleaned Clean(std::function<void(size_t done, size_t total)> progress = {}) const;

 private:
  Result<void> Doubt(const FlywheelInputOptions& options);

  std::unique_ptr<LabelRules> rules_;
  std::set<std::pair<std::string, int>> doubted_;
};

}  // namespace sotto
