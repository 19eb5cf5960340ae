// An independent check of a JSON value against a schema, and of the canonical number texts: written for the
// tests, shares nothing with src/grammar.
#pragma once

#include <string>

#include "core/json.h"

namespace sotto {

// `why` says what is wrong. `root`: the document $refs are looked up in.
bool CheckJson(const Json& root, const Json& schema, const Json& value, std::string& why);

}  // namespace sotto
