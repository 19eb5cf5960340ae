// The actions that a workflow names, opened for a subcommand.
#pragma once

#include <filesystem>
#include <memory>

#include "core/action.h"
#include "workflow/workflow.h"

namespace sotto {

// `folder`: where the actions keep their databases (the demo bank: bank.db), made and filled with demo data
// where there is none. Empty: the user's own, $XDG_DATA_HOME/sotto/WORKFLOW. ":memory:": a fresh one that is
// gone with the runner.
Result<std::unique_ptr<ActionRunner>> OpenRunner(const Workflow& workflow,
                                                 const std::filesystem::path& folder);

}  // namespace sotto
