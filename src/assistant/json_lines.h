// Files with one JSON object a line, written by hand: callers.jsonl, probes.jsonl.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "core/json.h"

namespace sotto {

// Calls `read(row, line)`, lines from 1, for every line that is not empty; it returns Result<void>, and may throw what
// reading a Json throws. The error names file and line.
template <typename Read>
Result<void> ReadJsonLines(const std::filesystem::path& path, Read read) {
  std::ifstream file(path);
  if (!file) return MakeError(ErrorCode::kNotFound, "{}: cannot be read", path.string());
  int line = 0;
  for (std::string text; std::getline(file, text);) {
    ++line;
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = fmt::format("{}:{}", path.string(), line);
    SOTTO_ASSIGN_OR_RETURN(const Json row, ParseJson(text, where));
    if (!row.is_object()) return MakeError(ErrorCode::kInvalidArgument, "{}: no JSON object", where);
    Result<void> done;
    try {
      done = read(row, line);
    } catch (const Json::exception& error) {
      done = MakeError(ErrorCode::kInvalidArgument, "{}", error.what());
    }
    if (!done) return WithContext(done.error(), where);
  }
  return {};
}

}  // namespace sotto
