#include "route/outbound.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace sotto {
namespace {

constexpr std::array<std::string_view, 3> kNames{"local", "pseudonymise", "allow"};

}  // namespace

std::string_view PrivacyName(Privacy privacy) { return kNames.at(static_cast<size_t>(privacy)); }

Result<Privacy> PrivacyFromName(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) {
    return MakeError(ErrorCode::kInvalidArgument, "'{}' is no privacy rule; there are {}", name,
                     fmt::join(kNames, ", "));
  }
  return static_cast<Privacy>(found - kNames.begin());
}

Privacy PrivacyRules::Of(std::string_view tool) const {
  const auto found = tools.find(tool);
  return found == tools.end() ? workflow : found->second;
}

Privacy PrivacyRules::Strictest() const {
  Privacy strictest = workflow;
  for (const auto& [tool, rule] : tools) strictest = std::min(strictest, rule);
  return strictest;
}

}  // namespace sotto
