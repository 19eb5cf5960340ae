// The actions that a workflow names, opened for a subcommand.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "core/action.h"
#include "workflow/workflow.h"

namespace sotto {

// Of the data that the demo bank and a workflow's demo.sql start with.
inline constexpr const char* kDemoCustomer = "1";

// Who uses this terminal, in place of a host that knows its callers. Where the workflow verifies callers
// itself, it does so; where it has no way to, the terminal vouches for them.
Caller HostCaller(const Workflow& workflow, const std::string& customer, const std::string& channel);
// --customer
void AddCustomerOption(CLI::App& command, std::string& customer);

// Where the actions of a workflow keep their databases unless --database says otherwise:
// $XDG_DATA_HOME/sotto/WORKFLOW, or ~/.local/share/sotto/WORKFLOW.
std::filesystem::path DefaultDatabases(const std::string& workflow);
// --database. `fresh`: a story that is told anew each time (demo, benches) begins with fresh data by default.
CLI::Option* AddDatabaseOption(CLI::App& command, std::string& folder, bool fresh = false);

// `folder`: where the actions keep their databases (the demo bank: bank.db), made and filled with demo data
// where there is none. Empty: DefaultDatabases. ":memory:": a fresh one that is gone with the runner. The
// error names a path that is no folder.
Result<std::unique_ptr<ActionRunner>> OpenRunner(const Workflow& workflow,
                                                 const std::filesystem::path& folder);

}  // namespace sotto
