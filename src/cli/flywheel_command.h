// The subcommands of `sotto flywheel` about versions, and what they share with `sotto history` and
// `sotto canary`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "flywheel/registry.h"

namespace sotto {

struct CliContext;

// --registry FOLDER, SOTTO_REGISTRY; default: flywheel.
CLI::Option* AddRegistryOption(CLI::App& command, std::string& folder);
// --by and --reason. By default the login's name.
struct ActFlags {
  std::string by;
  std::string reason;
  void AddTo(CLI::App& command, bool needs_reason);
  // kInvalidArgument: the machine's name is no person's.
  Result<void> CheckPerson() const;
};
Result<std::unique_ptr<VersionRegistry>> OpenRegistry(const std::string& folder);

void RegisterFlywheelVersions(CLI::App& flywheel,
                              CliContext& context);  // register, approve, promote, rollback
void RegisterFlywheelEvaluate(CLI::App& flywheel, CliContext& context);   // evaluate
void RegisterFlywheelDocuments(CLI::App& flywheel, CliContext& context);  // card, validation, inventory, ...

}  // namespace sotto
