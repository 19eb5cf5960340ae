// A file of texts through several specialists: JSON lines in, JSON lines out, what each says under its name.
//
//   {"text": "where is my card", ...}  ->  {"text": "where is my card", ..., "intent": {"label": ...}}
//
// A row's own fields stay. Lines are written in their order and flushed batch by batch, so that a run that was
// stopped goes on behind the last whole line of its output: what a cut line began is written anew. What stands there is
// compared with the input row by row first.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "specialist/annotator.h"

namespace sotto {

struct AnnotateOptions {
  std::string text_field = "text";
  size_t batch = 64;   // rows at a time
  bool resume = true;  // go on behind what `out` has; false: begin anew
  std::function<void(size_t done, size_t total)> progress = {};
};

struct AnnotateReport {
  size_t rows = 0;     // of the input
  size_t resumed = 0;  // of them that the output had already
};

// Errors name file and line: no JSON object, no such field, a field named like a specialist, an output that does not
// belong to this input (its last row is of another text).
Result<AnnotateReport> AnnotateFile(const std::filesystem::path& in, const std::filesystem::path& out,
                                    const std::vector<std::unique_ptr<Annotator>>& annotators,
                                    const AnnotateOptions& options);

}  // namespace sotto
