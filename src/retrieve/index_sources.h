// What an index is made of: the files below a folder, or the rows of a JSONL file. Internal to the layer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace sotto {

struct IndexSource {
  std::string name;            // below the folder, or the row's id
  std::filesystem::path file;  // empty: a row
  std::string row;             // its text, as Markdown
  uint64_t size = 0;
  int64_t changed = 0;         // nanoseconds
  std::string hash;            // of a row; of a file once it was read
};

// In the order of their names. Hidden files and folders, links to folders and `index` itself are left out. `skipped`
// counts files that are no documents. Errors: `from` is not there; a row without id or text, two of one id (line).
Result<std::vector<IndexSource>> FindSources(const std::filesystem::path& from, const std::filesystem::path& index,
                                             size_t* skipped);

}  // namespace sotto
