// A sound file in memory, as libsndfile reads and writes one. Internal to the speech layer.
#pragma once

#include <sndfile.h>

#include <cstddef>
#include <string>

namespace sotto {

struct MemoryFile {
  std::string bytes;
  size_t at = 0;
};

// For sf_open_virtual with a MemoryFile* as its user data.
SF_VIRTUAL_IO MemoryIo();

}  // namespace sotto
