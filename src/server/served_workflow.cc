#include "server/served_workflow.h"

namespace sotto {
namespace {

Result<void> CheckNames(const std::vector<ServedWorkflowPtr>& workflows) {
  if (workflows.empty()) return MakeError(ErrorCode::kInvalidArgument, "there is no workflow to serve");
  for (size_t i = 0; i < workflows.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (workflows[i]->name == workflows[j]->name) {
        return MakeError(ErrorCode::kInvalidArgument, "two workflows have the name '{}'", workflows[i]->name);
      }
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<ServedWorkflows>> ServedWorkflows::Create(Open open) {
  std::unique_ptr<ServedWorkflows> served(new ServedWorkflows(std::move(open)));
  SOTTO_RETURN_IF_ERROR(served->Reload());
  return served;
}

ServedWorkflowPtr ServedWorkflows::Find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  if (name.empty()) return workflows_.front();
  for (const ServedWorkflowPtr& workflow : workflows_) {
    if (workflow->name == name) return workflow;
  }
  return nullptr;
}

std::vector<ServedWorkflowPtr> ServedWorkflows::All() const {
  const std::lock_guard lock(mutex_);
  return workflows_;
}

Result<void> ServedWorkflows::Reload() {
  SOTTO_ASSIGN_OR_RETURN(std::vector<ServedWorkflowPtr> next, open_());
  SOTTO_RETURN_IF_ERROR(CheckNames(next));
  const std::lock_guard lock(mutex_);
  workflows_.swap(next);
  return {};  // what was replaced goes outside of the lock, unless a session keeps it
}

}  // namespace sotto
