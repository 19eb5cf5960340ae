// The tables of the registry's log. Rows are never changed: triggers say so.
#pragma once

#include <vector>

#include "flywheel/registry.h"

namespace sotto {

// The rows as they stand there, whatever was done to them.
Result<std::vector<Act>> ReadActs(Database& database);

inline constexpr const char* kActsSchema = R"(
CREATE TABLE acts(
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, boot TEXT NOT NULL, uptime_s REAL NOT NULL, kind TEXT NOT NULL,
  workflow TEXT NOT NULL, version TEXT NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
  hash TEXT NOT NULL) STRICT;
CREATE TRIGGER acts_stay BEFORE UPDATE ON acts BEGIN SELECT RAISE(ABORT, 'acts are never changed'); END;
CREATE TRIGGER acts_remain BEFORE DELETE ON acts BEGIN SELECT RAISE(ABORT, 'acts are never deleted'); END;
)";
inline constexpr int kActsVersion = 1;

}  // namespace sotto
