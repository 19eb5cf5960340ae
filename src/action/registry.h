// What the actions named in workflow files do, by name ("bank.transfer", "http", "sql", "mcp.files.read").
#pragma once

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/action.h"

namespace sotto {

// Runs to its end on the thread that calls it, or until `stop` is set where it can; must not throw.
using Action = std::function<ToolResult(const ActionRequest&, std::stop_token stop)>;
// Begins, and tells the result once, later or at once, on any thread; soon after `stop` is set. Never blocks
// or throws.
using AsyncAction = std::function<void(const ActionRequest&, std::stop_token stop, ActionRunner::Done done)>;

struct RegisteredAction {
  std::variant<Action, AsyncAction> run;
  // What it depends on: actions of one backend share a queue and a circuit breaker, and none with those of
  // another.
  std::function<std::string(const ActionRequest&)> backend;
  int concurrency = 1;                    // of the backend, unless the workflow says otherwise
  std::vector<std::string> options = {};  // that it reads, besides those of the executor
};

// Filled first, then only read.
class ActionRegistry {
 public:
  // REQUIRES: the name is new.
  void Add(std::string name, RegisteredAction action);
  // Of the backend `name` up to its '.', one at a time, without options.
  void Add(std::string name, Action action);
  // nullptr: there is none.
  const RegisteredAction* Find(std::string_view name) const;
  std::vector<std::string> Names() const;

 private:
  std::map<std::string, RegisteredAction, std::less<>> actions_;
};

// {ok: false, failure: code}; the message goes to the log, not to the caller.
ToolResult Failure(std::string code, Json data = Json::object());
// timeout, unavailable, invalid_arguments, unknown_action, cancelled, failed: what an Error of the machinery
// is to a workflow.
ToolResult FailureOf(const Error& error);

}  // namespace sotto
