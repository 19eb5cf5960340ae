// The actions of a workflow, ready to run: the demo bank, SQL and HTTP, as far as its tools use them.
#pragma once

#include <filesystem>
#include <memory>

#include "action/bank.h"
#include "action/executor.h"
#include "workflow/workflow.h"

namespace sotto {

struct WorkflowActions {
  std::unique_ptr<Bank> bank;              // null: no tool uses it
  std::unique_ptr<ActionExecutor> runner;  // declared last: stops before the bank closes
};

// `folder`: where databases lie (bank.db, WORKFLOW.db), made if need be. A new SQL database is made from
// demo.sql in the workflow's folder. Errors name the file, or the tool with an unknown action.
Result<WorkflowActions> OpenActions(const Workflow& workflow, const std::filesystem::path& folder);

}  // namespace sotto
