// The options of the flywheel's steps, and what they open (flywheel/flywheel_input.h).
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/flywheel.h"
#include "flywheel/flywheel_input.h"

namespace sotto {

struct FlywheelFlags {
  std::string workflow;
  std::string store;
  QueryFlags query;
  FlywheelInputOptions options;  // but for store and query

  void AddTo(CLI::App& command);
};

// The error names file or option; rows of the store that cannot be read are listed.
Result<std::unique_ptr<FlywheelInput>> OpenFlywheelInput(const FlywheelFlags& flags);
// With a progress bar.
Cleaned CleanWithProgress(const FlywheelInput& input);

}  // namespace sotto
