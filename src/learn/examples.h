// The examples of a workflow file as patterns (learn/pattern.h). People write them with capitals and
// apostrophes, and say values plainly where they could leave a hole: "I've used up all my data" means
// `usage_type=data` as much as "I've used up all my {usage_type}" with that value.
#pragma once

#include <string>
#include <string_view>

#include "learn/phrase_book.h"

namespace sotto {

// In spoken form, `{slots}` and `@slot=value` as they are. Behind it stands what the words say for an enum
// slot that the example does not name, if they say one value of it and no other slot has the same values.
std::string ExampleAsPattern(const PhraseBook& book, const ToolDef& tool, std::string_view example);

}  // namespace sotto
