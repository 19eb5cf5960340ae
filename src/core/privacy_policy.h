// What may leave this machine: `privacy: local | pseudonymise | allow`, of a workflow and of each of its tools
// (docs/formats/workflow.md). A value. Any thread.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sotto {

// In order: stricter ones are less.
enum class PrivacyRule : uint8_t {
  kLocal,         // nothing leaves: only what runs here may be asked
  kPseudonymise,  // what leaves holds pseudonyms for personal data (privacy/pseudonyms.h)
  kAllow,         // it leaves as it is
};

std::string_view PrivacyRuleName(PrivacyRule rule);  // "pseudonymise"
// kInvalidArgument names the value and those there are, with the nearest.
Result<PrivacyRule> ParsePrivacyRule(std::string_view text);

struct PrivacyPolicy {
  PrivacyRule rule = PrivacyRule::kLocal;  // of the workflow: nothing leaves unless somebody says so
  std::map<std::string, PrivacyRule, std::less<>> tools;  // of those that have one of their own

  PrivacyRule For(std::string_view tool) const;
  // Of a turn that may become any of these: the strictest. None: the workflow's.
  PrivacyRule Strictest(std::span<const std::string> offered) const;
  PrivacyRule Strictest() const;  // of all that there are
};

}  // namespace sotto
