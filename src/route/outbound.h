// What may leave this machine, and what comes back. One rule a workflow, and one a tool where it says another:
//
//   local          nothing of it leaves
//   pseudonymise   only through an OutboundGuard, which puts pseudonyms in the place of personal data
//   allow          as it is
//
// A request goes under the strictest rule of all tools that the conversation has touched. Without a guard a
// route with a remote step is refused at its opening unless every rule is `allow` (RoutePlan::Check).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/privacy_policy.h"
#include "core/tool.h"

namespace sotto {

// What is about to leave.
struct Outbound {
  std::string step;         // who asks: the name of the step
  std::string destination;  // "https://api.example": never more of an address
  PrivacyRule rule = PrivacyRule::kAllow;
  Json messages;  // OpenAI's form, the whole conversation: earlier turns leave again each time
};

// Stands between a conversation and every endpoint that it asks. One for a conversation: what it replaced once
// it replaces in the same way again. One thread at a time.
class OutboundGuard {
 public:
  virtual ~OutboundGuard() = default;
  // What leaves instead of `outbound.messages`. An error: nothing leaves. Its message holds nothing of them.
  virtual Result<Json> Outgoing(const Outbound& outbound) = 0;
  // What came back, with what was replaced in its place again. An error: the answer is not used.
  virtual Result<std::vector<ToolCall>> Incoming(std::vector<ToolCall> calls) = 0;
  virtual Result<std::string> IncomingText(std::string_view text) = 0;
};

}  // namespace sotto
