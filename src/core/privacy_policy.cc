#include "core/privacy_policy.h"

#include <algorithm>

namespace sotto {

std::string_view PrivacyRuleName(PrivacyRule rule) {
  switch (rule) {
    case PrivacyRule::kLocal:
      return "local";
    case PrivacyRule::kPseudonymise:
      return "pseudonymise";
    case PrivacyRule::kAllow:
      return "allow";
  }
  return "";
}

Result<PrivacyRule> ParsePrivacyRule(std::string_view text) {
  for (const PrivacyRule rule : {PrivacyRule::kLocal, PrivacyRule::kPseudonymise, PrivacyRule::kAllow})
    if (text == PrivacyRuleName(rule)) return rule;
  const std::string_view hint =
      text == "pseudonymize" || text == "pseudonyms" ? ": write 'pseudonymise'" : "";
  return MakeError(ErrorCode::kInvalidArgument, "privacy '{}' is none of local, pseudonymise, allow{}", text,
                   hint);
}

PrivacyRule PrivacyPolicy::For(std::string_view tool) const {
  const auto found = tools.find(tool);
  return found == tools.end() ? rule : found->second;
}

PrivacyRule PrivacyPolicy::Strictest() const {
  PrivacyRule strictest = rule;
  for (const auto& [tool, own] : tools) strictest = std::min(strictest, own);
  return strictest;
}

PrivacyRule PrivacyPolicy::Strictest(std::span<const std::string> offered) const {
  if (offered.empty()) return rule;
  PrivacyRule strictest = PrivacyRule::kAllow;
  for (const std::string& tool : offered) strictest = std::min(strictest, For(tool));
  return strictest;
}

}  // namespace sotto
