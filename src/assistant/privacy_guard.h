// What stands between a conversation and the models elsewhere that a route asks: personal data leaves as
// pseudonyms where the rule says so, comes back in its place, and whatever left is in the audit before it goes.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "route/outbound.h"

namespace sotto {

// Makes one guard for each conversation; any thread. `audit`: the file, made where there is none. `clock`
// outlives the guards. Errors: no detector for the language, a file that cannot be written.
Result<std::function<std::shared_ptr<OutboundGuard>()>> GuardsOf(const std::string& workflow,
                                                                 const std::string& language,
                                                                 const std::filesystem::path& audit,
                                                                 const Clock& clock);

}  // namespace sotto
