// Where Sotto keeps what can be made again: $SOTTO_CACHE, else $XDG_CACHE_HOME/sotto, else ~/.cache/sotto,
// else a folder for temporary files. Nothing is created here. Any thread.
#pragma once

#include <filesystem>

namespace sotto {

std::filesystem::path CacheFolder();

}  // namespace sotto
