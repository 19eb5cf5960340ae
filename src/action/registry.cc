#include "action/registry.h"

#include "base/check.h"
#include "base/log.h"

namespace sotto {

void ActionRegistry::Add(std::string name, RegisteredAction action) {
  const auto [place, added] = actions_.emplace(std::move(name), std::move(action));
  SOTTO_CHECK(added, "action {} is registered twice", place->first);
}

void ActionRegistry::Add(std::string name, Action action) {
  std::string backend = name.substr(0, name.find('.'));
  Add(std::move(name), RegisteredAction{std::move(action), [backend = std::move(backend)](
                                                               const ActionRequest&) { return backend; }});
}

const RegisteredAction* ActionRegistry::Find(std::string_view name) const {
  const auto found = actions_.find(name);
  return found == actions_.end() ? nullptr : &found->second;
}

std::vector<std::string> ActionRegistry::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, action] : actions_) names.push_back(name);
  return names;
}

ToolResult Failure(std::string code, Json data) { return {false, std::move(code), std::move(data)}; }

ToolResult FailureOf(const Error& error) {
  Log().error("action failed: {}", error.message);
  switch (error.code) {
    case ErrorCode::kTimeout:
      return Failure("timeout");
    case ErrorCode::kUnavailable:
      return Failure("unavailable");
    case ErrorCode::kInvalidArgument:
      return Failure("invalid_arguments");
    case ErrorCode::kNotFound:
      return Failure("unknown_action");
    case ErrorCode::kCancelled:
      return Failure("cancelled");
    default:
      return Failure("failed");
  }
}

}  // namespace sotto
