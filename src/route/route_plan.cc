#include "route/route_plan.h"

#include <set>

namespace sotto {
namespace {

Result<void> CheckRemote(const PlanStep& step, const RoutePlan& plan) {
  if (step.remote == nullptr || step.remote->model == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "step '{}' has no model", step.name);
  if (!plan.check)
    return MakeError(ErrorCode::kInvalidArgument, "step '{}' has nobody who checks it", step.name);
  const PrivacyRule strictest = plan.privacy.Strictest();
  if (plan.privacy.rule == PrivacyRule::kLocal) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "step '{}' leaves this machine, but the workflow's privacy is local", step.name);
  }
  if (plan.new_guard == nullptr && strictest != PrivacyRule::kAllow) {
    std::string whose = "the workflow";
    for (const auto& [tool, rule] : plan.privacy.tools)
      if (rule == strictest && strictest != plan.privacy.rule) whose = "tool '" + tool + "'";
    return MakeError(ErrorCode::kInvalidArgument,
                     "step '{}' leaves this machine, the privacy of {} is {}, and there is nothing that "
                     "guards it: only `allow` for everything would let it",
                     step.name, whose, PrivacyRuleName(strictest));
  }
  return {};
}

}  // namespace

Result<void> RoutePlan::Check() const {
  if (steps.empty()) return MakeError(ErrorCode::kInvalidArgument, "a route without a step");
  std::set<std::string> names;
  for (const PlanStep& step : steps) {
    if (!names.insert(step.name).second)
      return MakeError(ErrorCode::kInvalidArgument, "two steps of the name '{}'", step.name);
    switch (step.kind) {
      case PlanStep::Kind::kCache:
        if (cache == nullptr || !keep_for)
          return MakeError(ErrorCode::kInvalidArgument, "step '{}' has no cache", step.name);
        if (!cache->trusted() && !check)
          return MakeError(ErrorCode::kInvalidArgument, "step '{}' has nobody who checks it", step.name);
        break;
      case PlanStep::Kind::kSemantic:
        if (semantic == nullptr || !keep_for)
          return MakeError(ErrorCode::kInvalidArgument, "step '{}' has no semantic cache", step.name);
        if (!check)
          return MakeError(ErrorCode::kInvalidArgument, "step '{}' has nobody who checks it", step.name);
        break;
      case PlanStep::Kind::kRemote:
        SOTTO_RETURN_IF_ERROR(CheckRemote(step, *this));
        break;
      case PlanStep::Kind::kLocal:
      case PlanStep::Kind::kPerson:
        if (!step.make) return MakeError(ErrorCode::kInvalidArgument, "step '{}' is nobody", step.name);
        break;
    }
    if (step.kind == PlanStep::Kind::kPerson && &step != &steps.back())
      return MakeError(ErrorCode::kInvalidArgument, "step '{}' is a person and must be the last", step.name);
  }
  return {};
}

}  // namespace sotto
