// The layout of one page of the KV cache: keys and values of `n_positions` consecutive positions in one
// layer.
//
// A page is plain memory without pointers: copying it is a memcpy, which is what copy-on-write needs. With
// hd = head_dim rounded up to a multiple of 16 (the padding is zero and must stay so):
//   keys    [n_kv_heads][n_positions / 16][hd][16]   (16 positions side by side: no horizontal sums)
//           BF16: [n_kv_heads][n_positions / 16][hd / 2][16][2]   (pairs of columns, for dot products)
//   values  [n_kv_heads][n_positions][hd]
//           BF16: [n_kv_heads][n_positions / 2][hd][2]            (pairs of positions)
// A page must be zeroed before its first use; positions beyond the length of a sequence are never read into a
// result, but must be finite. Pages are aligned to 64 bytes. The owner is the KV cache (slm);
// Compute::WriteKv fills them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/block_formats.h"

namespace sotto {

struct KvPageLayout {
  // Positions a page. Attention walks the positions in blocks of this size, counted from 0.
  static constexpr size_t kPositions = 64;

  DType type = DType::kBF16;  // kF32: exact; kF16: 0.03 % rounding; kBF16: the fastest, 0.2 % rounding
  size_t n_kv_heads = 0;
  size_t head_dim = 0;

  size_t padded_head_dim() const { return (head_dim + 15) / 16 * 16; }
  size_t value_bytes() const { return type == DType::kF32 ? 4 : 2; }
  // Bytes of the keys or of the values of one head.
  size_t head_bytes() const { return kPositions * padded_head_dim() * value_bytes(); }
  // Bytes of a page: keys of all heads, then values of all heads. A multiple of 64.
  size_t page_bytes() const { return 2 * n_kv_heads * head_bytes(); }
  size_t key_offset(size_t head) const { return head * head_bytes(); }
  size_t value_offset(size_t head) const { return (n_kv_heads + head) * head_bytes(); }
};

}  // namespace sotto
