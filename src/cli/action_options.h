// Flags of every subcommand that acts: --database, --customer.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/caller.h"
#include "workflow/workflow.h"

namespace sotto {

// Of the data that the demo bank and a workflow's demo.sql start with.
inline constexpr const char* kDemoCustomer = "1";

// Who uses this terminal, in place of a host that knows its callers. Where the workflow verifies callers
// itself, it does so; where it has no way to, the terminal vouches for them.
Caller TerminalCaller(const Workflow& workflow, const std::string& customer, const std::string& channel);
// The customer of the demo data, in writing, for evaluations.
Caller DemoCaller(const Workflow& workflow, bool verified);
void AddCustomerOption(CLI::App& command, std::string& customer);

// See OpenRunner (action/actions.h). `fresh`: a story that is told anew each time (demo, benches) begins with
// fresh data by default.
CLI::Option* AddDatabaseOption(CLI::App& command, std::string& folder, bool fresh = false);

}  // namespace sotto
