#include <algorithm>
#include <chrono>
#include <cstring>

#include "nn/compute.h"

namespace sotto {

double MeasureReadBandwidth(ThreadTeam& team, size_t size_bytes) {
  constexpr size_t kChunk = size_t{1} << 20;
  const size_t n_chunks = std::max<size_t>(1, size_bytes / kChunk);
  const AlignedBuffer buffer(n_chunks * kChunk);
  std::byte* data = const_cast<std::byte*>(buffer.data());
  team.ParallelFor(n_chunks, 1, [&](size_t begin, size_t end, size_t) {
    std::memset(data + begin * kChunk, 1, (end - begin) * kChunk);
  });
  typedef uint64_t Wide __attribute__((vector_size(64)));
  double best = 0.0;
  for (int pass = 0; pass < 5; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    team.ParallelFor(n_chunks, 1, [&](size_t begin, size_t end, size_t) {
      Wide sum[2] = {};
      for (size_t i = begin * kChunk; i < end * kChunk; i += 128) {
        Wide a;
        Wide b;
        std::memcpy(&a, data + i, 64);
        std::memcpy(&b, data + i + 64, 64);
        sum[0] ^= a;
        sum[1] ^= b;
      }
      sum[0] ^= sum[1];
      asm volatile("" : : "m"(sum[0]) : "memory");
    });
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(n_chunks * kChunk) / elapsed.count());
  }
  return best;
}

}  // namespace sotto
