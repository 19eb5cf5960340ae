// Opens workflows for the server: model, ears, mouth and actions of each, as one version of it.
#pragma once

#include <string>
#include <vector>

#include "nn/shared_team.h"
#include "server/served_workflow.h"

namespace sotto {

struct ServeFlags {
  std::vector<std::string> workflows;
  std::string recognizer;  // empty: each workflow's own
  std::string synthesizer = "flite";
  std::string database;  // folder of the actions' databases, one below it for each workflow; see OpenRunner
  std::string customer;
  int threads = 2;  // of models, all together
  int ready_recognizers = 4;
  bool text_only = false;
};

// What all versions share; outlives them.
struct ServeShared {
  Scheduler* scheduler = nullptr;
  Scheduler::Strand synthesizer;
  std::shared_ptr<SharedTeam> team;
};

Result<std::vector<ServedWorkflowPtr>> OpenServedWorkflows(const ServeFlags& flags, const ServeShared& shared);

}  // namespace sotto
