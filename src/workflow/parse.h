// Reads workflow.yaml (docs/formats/workflow.md) and checks it. Every mistake is reported, each with its
// place and, where one can be guessed, what would be right.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "workflow/workflow.h"

namespace sotto {

struct Mistake {
  int line = 0;  // from 1; 0: the whole file
  int column = 0;
  std::string message;
  std::string suggestion;  // may be empty
  bool warning = false;    // the workflow works, but probably not as meant
};

// "banking/workflow.yaml:12:7: unknown key 'entitty' (did you mean 'entity'?)"
std::string ToString(const Mistake& mistake, std::string_view file);

struct ParsedWorkflow {
  std::string file;
  std::optional<Workflow> workflow;  // set where no mistake is more than a warning
  std::vector<Mistake> mistakes;     // by line
};

// `file` is for messages only; `folder`, where not empty, is where the workflow's own languages lie.
ParsedWorkflow ParseWorkflow(std::string_view text, std::string_view file,
                             const std::filesystem::path& folder = {});

// A workflow.yaml or the folder it lies in. The error: it cannot be read.
Result<ParsedWorkflow> ReadWorkflow(const std::filesystem::path& path);

// For programs that only want a workflow that works: the error carries the first mistake and the number of
// the others.
Result<std::shared_ptr<const Workflow>> LoadWorkflow(const std::filesystem::path& path);

}  // namespace sotto
