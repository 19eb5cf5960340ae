#include "core/understanding.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace sotto {
namespace {

constexpr std::array<std::string_view, 5> kNames{"model", "rule", "cache", "escalation", "person"};
constexpr std::array<std::string_view, 7> kRouteOutcomes{"accepted", "taken",  "unsure", "refused",
                                                         "late",     "failed", "skipped"};

}  // namespace

std::string_view MadeByName(MadeBy made_by) { return kNames.at(static_cast<size_t>(made_by)); }

Result<MadeBy> MadeByFromName(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) {
    return MakeError(ErrorCode::kInvalidArgument, "made_by '{}' is none of {}", name,
                     fmt::join(kNames, ", "));
  }
  return static_cast<MadeBy>(found - kNames.begin());
}

std::string_view OutcomeName(RouteStep::Outcome outcome) {
  return kRouteOutcomes.at(static_cast<size_t>(outcome));
}

Result<RouteStep::Outcome> RouteOutcomeFromName(std::string_view name) {
  const auto found = std::find(kRouteOutcomes.begin(), kRouteOutcomes.end(), name);
  if (found == kRouteOutcomes.end()) {
    return MakeError(ErrorCode::kInvalidArgument, "outcome '{}' is none of {}", name,
                     fmt::join(kRouteOutcomes, ", "));
  }
  return static_cast<RouteStep::Outcome>(found - kRouteOutcomes.begin());
}

}  // namespace sotto
