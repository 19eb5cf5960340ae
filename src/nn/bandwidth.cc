#include <algorithm>
#include <chrono>
#include <cstring>

#include "nn/compute.h"
#include "nn/kernel_table.h"

namespace sotto {

double MeasureReadBandwidth(ThreadTeam& team, size_t size_bytes) {
  const auto read = KernelsOf(SupportedIsas().back())->read;
  constexpr size_t kChunk = size_t{1} << 20;
  const size_t n_chunks = std::max<size_t>(1, size_bytes / kChunk);
  const AlignedBuffer buffer(n_chunks * kChunk);
  std::byte* data = const_cast<std::byte*>(buffer.data());
  team.ParallelFor(n_chunks, 1, [&](size_t begin, size_t end, size_t) {
    std::memset(data + begin * kChunk, 1, (end - begin) * kChunk);
  });
  double best = 0.0;
  for (int pass = 0; pass < 5; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    team.ParallelFor(n_chunks, 1, [&](size_t begin, size_t end, size_t) {
      read(data + begin * kChunk, (end - begin) * kChunk);
    });
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(n_chunks * kChunk) / elapsed.count());
  }
  return best;
}

}  // namespace sotto
