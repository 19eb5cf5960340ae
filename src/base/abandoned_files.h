// Temporary files that a process which was killed left beside the file it was about to replace: NAME.PID.tmp and
// NAME.PID.N.tmp (WriteFileAtomically and its like). Blocks.
#pragma once

#include <cstddef>
#include <filesystem>

namespace sotto {

// Deletes those in `folder`, not below it, whose process is gone; how many. What cannot be looked at stays.
size_t RemoveAbandonedFiles(const std::filesystem::path& folder);

}  // namespace sotto
