// The command line: one file a subcommand, each with a function `void RegisterName(CLI::App& app, CliContext&
// context)` that adds it to the program and sets its callback. main.cc calls them all. A callback reports
// through context.exit_code: 0 done, 1 failed, 2 wrong usage or input.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/error.h"

namespace sotto {

struct CliContext {
  int exit_code = 0;

  // Prints "sotto: message" on stderr and sets the exit code that fits the error.
  void Fail(const Error& error);
};

// Newlines as spaces: of a message of somebody else's.
std::string OneLine(std::string text);

}  // namespace sotto
