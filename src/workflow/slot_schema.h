// What a slot can be, read off the JSON Schema of one argument. A slot is asked for and said by people, so it
// is one value of a kind that can be said: everything else is refused with its path and what would be right,
// and what the slot cannot hold the caller to is listed as weaker. Nothing that only stands in prose (a
// number of digits in a description) binds: it is a hint for the author.
//
// Understood: type (also a list with null, in capitals, nullable), enum and const of strings, numbers or
// booleans, anyOf / oneOf / allOf of such, $ref within the document, minimum, maximum, exclusive bounds,
// multipleOf 0.01 and 1, pattern of digits or of fixed words, format date.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "workflow/workflow.h"

namespace sotto {

struct SlotSchema {
  Entity entity;  // without a name; values with `spoken` where it differs from the value's words
  bool nullable = false;
  std::string description;
  std::vector<std::string> weaker;  // "parameters.properties.mail.format: ..."
  std::string hint;                 // for the author: "the description speaks of 5 digits"
};

// The error is of the form "PATH: what is wrong; want ...". `root` is the document of $refs, `path` where the
// schema stands in it, `name` the argument's.
Result<SlotSchema> ReadSlotSchema(std::string_view name, const Json& schema, const Json& root,
                                  const std::string& path);

}  // namespace sotto
