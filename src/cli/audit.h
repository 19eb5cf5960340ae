// What commands need that write into the audit log of a server (server/act_log.h).
#pragma once

#include <string>

#include "base/error.h"

namespace sotto {

// The key of its hashes, from a file; empty: none is named. The error: it cannot be read, or is too short to be one.
Result<std::string> ReadAuditKey(const std::string& file);

}  // namespace sotto
