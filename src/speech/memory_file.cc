#include "speech/memory_file.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace sotto {

SF_VIRTUAL_IO MemoryIo() {
  SF_VIRTUAL_IO io{};
  io.get_filelen = [](void* file) -> sf_count_t {
    return static_cast<sf_count_t>(static_cast<MemoryFile*>(file)->bytes.size());
  };
  io.seek = [](sf_count_t offset, int whence, void* file) -> sf_count_t {
    auto& memory = *static_cast<MemoryFile*>(file);
    const auto size = static_cast<sf_count_t>(memory.bytes.size());
    const sf_count_t base = whence == SEEK_SET   ? 0
                            : whence == SEEK_CUR ? static_cast<sf_count_t>(memory.at)
                                                 : size;
    memory.at = static_cast<size_t>(std::clamp<sf_count_t>(base + offset, 0, size));
    return static_cast<sf_count_t>(memory.at);
  };
  io.read = [](void* out, sf_count_t count, void* file) -> sf_count_t {
    auto& memory = *static_cast<MemoryFile*>(file);
    const size_t n =
        std::min(static_cast<size_t>(std::max<sf_count_t>(count, 0)), memory.bytes.size() - memory.at);
    std::memcpy(out, memory.bytes.data() + memory.at, n);
    memory.at += n;
    return static_cast<sf_count_t>(n);
  };
  io.write = [](const void* in, sf_count_t count, void* file) -> sf_count_t {
    auto& memory = *static_cast<MemoryFile*>(file);
    const auto n = static_cast<size_t>(std::max<sf_count_t>(count, 0));
    if (memory.bytes.size() < memory.at + n) memory.bytes.resize(memory.at + n);
    std::memcpy(memory.bytes.data() + memory.at, in, n);
    memory.at += n;
    return count;
  };
  io.tell = [](void* file) -> sf_count_t {
    return static_cast<sf_count_t>(static_cast<MemoryFile*>(file)->at);
  };
  return io;
}

}  // namespace sotto
