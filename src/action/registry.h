// What the actions named in workflow files do, by name ("bank.transfer", "http", "sql").
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/action.h"

namespace sotto {

// Runs to its end; must not throw. May be called from any thread, but never twice at once for one registry.
using Action = std::function<ToolResult(const ActionRequest&)>;

class ActionRegistry {
 public:
  // REQUIRES: the name is new.
  void Add(std::string name, Action action);
  // nullptr: there is none.
  const Action* Find(std::string_view name) const;
  std::vector<std::string> Names() const;

 private:
  std::map<std::string, Action, std::less<>> actions_;
};

// {ok: false, failure: code}; the message goes to the log, not to the caller.
ToolResult Failure(std::string code, Json data = Json::object());
// timeout, unavailable, invalid_arguments, failed: what an Error of the machinery is to a workflow.
ToolResult FailureOf(const Error& error);

}  // namespace sotto
