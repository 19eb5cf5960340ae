// The subcommands of `sotto flywheel`, `sotto logs` and what they share.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "flywheel/turn_store.h"

namespace sotto {

struct CliContext;

void RegisterLogsImport(CLI::App& logs, CliContext& context);
void RegisterLogsSimulate(CLI::App& logs, CliContext& context);

void RegisterFlywheelClean(CLI::App& flywheel, CliContext& context);
void RegisterFlywheelReport(CLI::App& flywheel, CliContext& context);
void RegisterFlywheelPropose(CLI::App& flywheel, CliContext& context);
void RegisterFlywheelWatch(CLI::App& flywheel, CliContext& context);
void RegisterFlywheelRun(CLI::App& flywheel, CliContext& context);

// --store FILE, SOTTO_STORE.
CLI::Option* AddStoreOption(CLI::App& command, std::string& path);

// Which turns: --session, --since, --until.
struct QueryFlags {
  std::string session, since, until;

  void AddTo(CLI::App& command);
  Result<TurnQuery> Query() const;
};

// Lines about what could not be read, on stderr: the first ones, and how many there are.
void PrintListed(const std::vector<std::string>& lines, size_t most = 20);

// Who does it: the name of this login.
std::string LoginName();

}  // namespace sotto
