// Where turn records go: a file of lines, or a turn store (flywheel/turn_store.h), which a program without a server has
// not.
#pragma once

#include <memory>
#include <string>

#include "core/turn_log.h"

namespace sotto {

// *.sqlite, *.db: a store; anything else: a file, one record a line. The error names the file.
Result<std::unique_ptr<TurnSink>> OpenTurns(const std::string& path);

}  // namespace sotto
