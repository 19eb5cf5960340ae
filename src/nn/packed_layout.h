// Where the sections of a packed group of 16 rows lie (layout: weight_matrix.h). Private to nn.
#pragma once

#include <cstddef>

#include "nn/block_formats.h"

namespace sotto {

// Offsets in bytes from the start of the group. Sections a type does not have are empty.
struct PackedSections {
  size_t high;    // high bits
  size_t scales;  // scales of blocks of 32 (K-quants: sub-block scales)
  size_t super;   // d (and dmin) of blocks of 256
  size_t bytes;   // of the whole group, a multiple of 64
};

constexpr PackedSections SectionsOf(DType type, size_t n_cols) {
  const size_t nb = n_cols / 32;
  const size_t ns = n_cols / 256;
  size_t quants = nb * 256;
  size_t high = 0;
  size_t scales = nb * 32;
  size_t super = 0;
  switch (type) {
    case DType::kF32:
      quants = n_cols * 64, scales = 0;
      break;
    case DType::kF16:
    case DType::kBF16:
      quants = n_cols * 32, scales = 0;
      break;
    case DType::kQ8_0:
      quants = nb * 512;
      break;
    case DType::kQ4_0:
      break;
    case DType::kQ5_0:
      high = nb * 64;
      break;
    case DType::kQ5_1:
      high = nb * 64, scales = nb * 64;
      break;
    case DType::kQ4_K:
      super = ns * 64;
      break;
    case DType::kQ5_K:
      high = nb * 64, super = ns * 64;
      break;
    case DType::kQ6_K:
      high = nb * 128, super = ns * 32;
      break;
  }
  const size_t bytes = quants + high + scales + super;
  return {quants, quants + high, quants + high + scales, (bytes + 63) / 64 * 64};
}

}  // namespace sotto
