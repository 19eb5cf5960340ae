#include "action/actions.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "action/http_action.h"
#include "action/sql_action.h"

namespace sotto {

Result<WorkflowActions> OpenActions(const Workflow& workflow, const std::filesystem::path& folder) {
  const auto used = [&](std::string_view prefix) {
    return std::any_of(workflow.tools.begin(), workflow.tools.end(),
                       [&](const ToolDef& tool) { return tool.action.starts_with(prefix); });
  };
  std::error_code made;
  std::filesystem::create_directories(folder, made);
  if (made)
    return MakeError(ErrorCode::kIo, "cannot make the folder {}: {}", folder.string(), made.message());
  WorkflowActions actions;
  ActionRegistry registry;
  if (used("bank.")) {
    SOTTO_ASSIGN_OR_RETURN(actions.bank, Bank::OpenOrCreate(folder / "bank.db"));
    actions.bank->AddActions(registry);
  }
  if (used("sql")) {
    SOTTO_ASSIGN_OR_RETURN(Action sql,
                           MakeSqlAction(folder / (workflow.name + ".db"), workflow.folder / "demo.sql"));
    registry.Add("sql", std::move(sql));
  }
  registry.Add("http", RunHttpAction);
  for (const ToolDef& tool : workflow.tools) {
    if (tool.action.empty() || registry.Find(tool.action) != nullptr) continue;
    return MakeError(ErrorCode::kInvalidArgument, "{}: tool {} uses action '{}', which is none of {}",
                     workflow.folder.string(), tool.name, tool.action, fmt::join(registry.Names(), ", "));
  }
  actions.runner = std::make_unique<ActionExecutor>(std::move(registry));
  return actions;
}

}  // namespace sotto
