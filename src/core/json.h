// The JSON value used throughout: keys keep their order, because argument order is part of what the model was
// taught.
#pragma once

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace sotto {

using Json = nlohmann::ordered_json;

// Parses `text`; the error names `source` (path, or "argument --tools") and line and column.
Result<Json> ParseJson(std::string_view text, std::string_view source);

// Numbers by value, strings case- and space-insensitively, objects whatever the order of their keys
// (design 3.3).
bool SameValue(const Json& a, const Json& b);

}  // namespace sotto
