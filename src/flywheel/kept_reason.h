// What people write beside a decision, as it is kept: whoever copies a caller's number into a reason must not
// bring it into a log that nobody can change. Names stay: a reason may say who asked for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/tool.h"

namespace sotto {

// Codes, addresses of mail and long numbers become <card>, <email>, ...; everything else stays. The error: no
// detector (privacy/detector.h).
Result<std::string> KeptReason(std::string_view reason);
// The same of the values of calls that somebody typed.
Result<std::vector<ToolCall>> KeptCalls(const std::vector<ToolCall>& calls);

}  // namespace sotto
