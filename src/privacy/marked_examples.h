// Texts whose personal data is marked, for training and measuring: *.jsonl, a row {"text": "...", "spans":
// [{"start": 7, "end": 15, "type": "PERSON"}]}; start and end count characters (code points), as Python does.
// Types are this program's (privacy/personal_kind.h) or Presidio's (PERSON, US_SSN, ...).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "privacy/personal_kind.h"

namespace sotto {

struct MarkedExample {
  std::string text;
  std::string before;               // optional: what was asked just before
  std::vector<PersonalSpan> spans;  // in order, disjoint; found by: kShape
};

// The error names "path:line: what".
Result<std::vector<MarkedExample>> ReadMarkedExamples(const std::filesystem::path& path);

// Texts without personal data: rows {"text": ...} or {"turns": [{"role": "user", "text": ...}]}; only what
// users said. The error names "path:line: what".
Result<std::vector<std::string>> ReadPlainTexts(const std::filesystem::path& path);

// "PERSON" -> kName. kInvalidArgument lists the types that are known.
Result<PersonalKind> KindOfType(std::string_view type);

}  // namespace sotto
