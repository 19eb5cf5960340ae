// sotto.yaml: what stands neither on the command line nor in the environment. A map from the names of a
// subcommand's options, without their dashes, to values or lists of them, under the subcommand's name:
//
//   serve:
//     workflow: [workflows/banking, workflows/telecom]
//     port: 8080
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/error.h"

namespace sotto {

// Sets what `command` was not given. `path` empty: sotto.yaml in the current folder, where there is one. The
// error names file, line and key.
Result<void> ApplyConfigFile(CLI::App& command, const std::string& path);

}  // namespace sotto
