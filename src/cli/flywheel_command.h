// `sotto flywheel`, whose subcommands stand in several files: the one that comes first makes it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "flywheel/registry.h"

namespace sotto {

struct CliContext;

inline CLI::App& FlywheelCommand(CLI::App& app) {
  const auto there = app.get_subcommands([](const CLI::App* one) { return one->get_name() == "flywheel"; });
  if (!there.empty()) return *there.front();
  CLI::App* made = app.add_subcommand("flywheel", "From what callers said to the next model");
  made->require_subcommand(1);
  return *made;
}

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
