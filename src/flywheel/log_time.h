// Times of logs: ISO 8601 text in UTC, which sorts as it lies in time; and those of others' logs.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sotto {

// "2026-11-30", "2026-11-30T07:45:00Z", "2026-11-30 07:45:00.123+01:00". Nothing: it is none of these.
std::optional<std::chrono::sys_seconds> ParseUtc(std::string_view text);

// Seconds (or, from 1e11 on, milliseconds) since 1970 as such text; empty where they lie beyond the years 1970
// to 9999.
std::string UtcOfSeconds(double seconds);

// `text` in the form of records ("2026-11-30T07:45:00Z"). The error names `what` and the text's form.
Result<std::string> UtcFromUser(std::string_view text, std::string_view what);

// `days` before `at`, in the form of records. REQUIRES: ParseUtc(at).
std::string DaysBefore(std::string_view at, int days);

std::string UtcNow();

}  // namespace sotto
