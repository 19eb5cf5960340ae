// sotto-train as a child of a command: only it links libtorch.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace sotto {

// `sotto-train train ARGUMENTS`; its exit code. It lies beside sotto. Ctrl-C reaches both: it saves its checkpoint and
// ends with 1. kNotFound: it was not built.
Result<int> RunTrainer(const std::vector<std::string>& arguments);

}  // namespace sotto
