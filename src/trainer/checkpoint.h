// A run's state on disk, so that it goes on after a kill exactly where it stood. File: "SOTTOCKP", u32 header
// size, JSON header, then float32 weights, first and second moments (flat). Written beside its name, synced,
// renamed: there is always one whole checkpoint.
#pragma once

#include <filesystem>

#include "core/json.h"
#include "trainer/optimizer.h"

namespace sotto {

// `header` is the run's own: step, total steps, and what must be equal to resume.
Result<void> WriteCheckpoint(const std::filesystem::path& path, const Json& header, const Weights& weights,
                             Optimizer& optimizer);
Result<Json> ReadCheckpointHeader(const std::filesystem::path& path);
// REQUIRES: shapes as the header says. Errors: truncated file, other size.
Result<void> ReadCheckpoint(const std::filesystem::path& path, Weights& weights, Optimizer& optimizer);

}  // namespace sotto
