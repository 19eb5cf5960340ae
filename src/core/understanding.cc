#include "core/understanding.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace sotto {
namespace {

constexpr std::array<std::string_view, 5> kNames{"model", "rule", "cache", "escalation", "person"};
constexpr std::array<std::string_view, 7> kOutcomes{"accepted", "taken",  "unsure", "refused",
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
  return kOutcomes.at(static_cast<size_t>(outcome));
}

Result<RouteStep::Outcome> RouteOutcomeFromName(std::string_view name) {
  const auto found = std::find(kOutcomes.begin(), kOutcomes.end(), name);
  if (found == kOutcomes.end()) {
    return MakeError(ErrorCode::kInvalidArgument, "outcome '{}' is none of {}", name,
                     fmt::join(kOutcomes, ", "));
  }
  return static_cast<RouteStep::Outcome>(found - kOutcomes.begin());
}

}  // namespace sotto
