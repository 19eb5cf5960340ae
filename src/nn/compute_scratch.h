// The memory that a Compute reuses from call to call. Private to nn.
#pragma once

#include <algorithm>
#include <vector>

#include "nn/compute.h"
#include "nn/kernel_table.h"

namespace sotto {

// Below so much work (bytes of weights or floats touched) a second thread costs more than it brings.
inline constexpr size_t kWorthForking = size_t{24} << 10;

// Grows `buffer` to at least `size_bytes`; its contents are lost.
inline std::byte* Grow(AlignedBuffer& buffer, size_t size_bytes) {
  if (buffer.size() < size_bytes) buffer = AlignedBuffer(size_bytes + size_bytes / 2);
  return buffer.data();
}

// Rounds up so that the next array is aligned.
inline size_t Padded(size_t size_bytes) { return (size_bytes + 63) / 64 * 64; }

struct Compute::Scratch {
  AlignedBuffer tokens;   // Int8Tokens
  AlignedBuffer init;     // one array for each different offset
  AlignedBuffer threads;  // one piece a member of the team
  AlignedBuffer rows;     // MatMulRows
  struct AttentionItem {
    AttentionJob job;
    size_t kv_head;
    size_t first;
    size_t last;
  };
  std::vector<AttentionItem> attention;
  std::vector<MatMulJob> jobs;
  std::vector<size_t> groups_before;
  std::vector<int32_t> row_groups;
  size_t thread_bytes = 0;

  // The first member's piece; member i's is i * thread_bytes further.
  std::byte* ForThreads(size_t n_threads, size_t size_bytes) {
    thread_bytes = std::max(thread_bytes, Padded(size_bytes) + 4096);
    return Grow(threads, thread_bytes * n_threads);
  }

  Int8Tokens SplitTokens(size_t n_tokens, size_t n_cols) {
    // Kernels read up to 15 tokens beyond the last.
    n_tokens += 15;
    const size_t nb = n_tokens * n_cols / 32;
    const size_t q_bytes = Padded(n_tokens * n_cols);
    const size_t d_bytes = Padded(nb * sizeof(float));
    std::byte* p = Grow(tokens, q_bytes + 2 * d_bytes + 2 * nb * sizeof(int32_t));
    return {reinterpret_cast<int8_t*>(p), reinterpret_cast<float*>(p + q_bytes),
            reinterpret_cast<float*>(p + q_bytes + d_bytes),
            reinterpret_cast<int32_t*>(p + q_bytes + 2 * d_bytes)};
  }

  // Rounds the tokens and points the int8 jobs to them.
  void QuantizeFor(const KernelTable& table, ThreadTeam& team, const float* x, size_t n_tokens,
                   size_t n_cols);
};

}  // namespace sotto
