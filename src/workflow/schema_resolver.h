// A JSON Schema with its references followed: what one argument is, as one flat schema.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/json.h"

namespace sotto {

// The schema with $ref (JSON pointers, also into arrays), allOf and alternatives resolved: null among the
// alternatives becomes `nullable`, alternatives that list values one list, alternatives of plain types a list
// of types. `root` is the document of the $refs, `path` where the schema stands in it. The error is of the
// form "PATH: what is wrong; want ...".
Result<Json> ResolveSchema(const Json& schema, const Json& root, const std::string& path);

// The string under `key`; empty where the schema has none.
std::string SchemaText(const Json& schema, const char* key);

// The values of a schema that lists them (enum or const), or nothing.
std::optional<Json> ListedValues(const Json& schema);

// "PATH: WHAT; want WANT"
tl::unexpected<Error> RefuseSchema(const std::string& path, std::string_view what, std::string_view want);

// The beginning of a value, for messages.
std::string ShortJson(const Json& value);

}  // namespace sotto
