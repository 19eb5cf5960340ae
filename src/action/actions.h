// The actions of a workflow, ready to run: the demo bank, SQL, HTTP and MCP servers, as far as its tools use
// them.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "action/bank.h"
#include "action/executor.h"
#include "action/mcp_client.h"
#include "base/http_client.h"
#include "workflow/workflow.h"

namespace sotto {

// What the actions of several workflows may share. Null: one of their own.
struct ActionServices {
  Scheduler* scheduler = nullptr;  // outlives them
  HttpClient* http = nullptr;      // the same
};

// In this order: each ends before what it stands on.
struct WorkflowActions {
  std::unique_ptr<SystemClock> clock;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<HttpClient> http;
  std::unique_ptr<Bank> bank;  // null: no tool uses it
  std::vector<std::unique_ptr<mcp::Client>> mcp_servers;
  std::unique_ptr<ActionExecutor> runner;
};

// `folder`: where databases lie (bank.db, WORKFLOW.db), made if need be. A new SQL database is made from
// demo.sql in the workflow's folder; MCP servers run there and are started by the first call. Errors name the
// file, or the tool whose action is unknown or has an option that is wrong.
Result<WorkflowActions> OpenActions(const Workflow& workflow, const std::filesystem::path& folder,
                                    ActionServices services = {});

// Stands for databases that are made anew and are gone with their runner.
inline constexpr const char* kFreshDatabases = ":memory:";
// Where the actions of a workflow keep their databases unless somebody says otherwise:
// $XDG_DATA_HOME/sotto/WORKFLOW, else ~/.local/share/sotto/WORKFLOW.
std::filesystem::path DefaultDatabases(const std::string& workflow);

// OpenActions for who only wants them done. `folder` empty: DefaultDatabases; or kFreshDatabases. The error
// names a path that is no folder.
Result<std::unique_ptr<ActionRunner>> OpenRunner(const Workflow& workflow,
                                                 const std::filesystem::path& folder,
                                                 ActionServices services = {});

}  // namespace sotto
