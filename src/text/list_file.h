// A file of lists as people write them: `[section]` begins a list, '#' a comment; blank lines and blanks around
// a line do not count. Source of the form: docs/formats/language.md.
#pragma once

#include <functional>
#include <string_view>

#include "base/error.h"

namespace sotto {

struct ListFileReader {
  // What to do with the section that begins, and with a line of it. Their errors get "source:line: ".
  std::function<Result<void>(std::string_view name)> section;
  std::function<Result<void>(std::string_view line)> line;
};

// kCorrupt: also a line before the first section. `source` is for messages.
Result<void> ReadListFile(std::string_view text, std::string_view source, const ListFileReader& reader);

}  // namespace sotto
