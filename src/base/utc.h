// Wall time as it is written in records, logs and databases.
#pragma once

#include <chrono>
#include <string>

namespace sotto {

// ISO 8601, UTC, whole seconds: "2026-11-30T07:45:00Z".
std::string UtcStamp(std::chrono::system_clock::time_point time);

}  // namespace sotto
