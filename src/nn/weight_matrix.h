// An immutable matrix of weights [n_rows, n_cols] in one DType, repacked at load for the kernels.
//
// Rows are taken in groups of 16; within a group the 16 rows are interleaved so that one vector register
// holds the same few columns of all of them: an output needs no horizontal sum, its order of accumulation
// depends on nothing but the row. The layout is the same for every instruction set and takes the bytes of the
// file (Q4_K and Q5_K: 3 % more). The last group is padded with zero rows. Sections of a group, in this order
// (nb = n_cols / 32, ns = n_cols / 256):
//   F32, F16, BF16     values [n_cols][16]
//   Q8_0               quants u8 (q + 128) [nb][8][16][4] | d f16 [nb][16]
//   Q4_0               nibbles [nb][4][16][4]: byte (j, row, i) has columns 4j+i (low) and 16+4j+i (high) |
//                      d f16 [nb][16]
//   Q5_0, Q5_1         nibbles | high bits [nb][16][4]: bit j of byte (row, i) is bit 4 of column 4j+i | d |
//                      Q5_1: m f16 [nb][16]
//   Q4_K, Q5_K         nibbles | Q5_K: high bits | scale, min u8 [nb][2][16] | d, dmin f16 [ns][2][16]
//   Q6_K               nibbles | top bits [nb][2][16][4]: bits 2j of byte (h, row, i) belong to column
//                      16h+4j+i | scales i8 [nb][2][16] | d f16 [ns][16]
//
// The matrix owns its memory; the bytes it was made from may go away. Immutable: any number of threads may
// read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/error.h"
#include "nn/block_formats.h"

namespace sotto {

class ThreadTeam;

inline constexpr size_t kRowGroup = 16;

// Cache-line aligned memory that is not initialised, in huge pages where it is large.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t size_bytes);
  std::byte* data() { return data_.get(); }
  const std::byte* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(std::byte* data) const;
  };
  std::unique_ptr<std::byte, Free> data_;
  size_t size_ = 0;
};

class WeightMatrix {
 public:
  // Repacks `bytes`, the rows as they stand in a GGUF file (row after row; no alignment needed), on the
  // team's threads. Errors (kInvalidArgument): n_rows or n_cols zero, n_cols not a multiple of the block
  // size, bytes of another length.
  static Result<WeightMatrix> Create(DType type, size_t n_rows, size_t n_cols,
                                     std::span<const std::byte> bytes, ThreadTeam& team);
  // The same from float rows [n_rows, n_cols], rounded to `type`.
  static Result<WeightMatrix> FromFloats(DType type, size_t n_rows, size_t n_cols,
                                         std::span<const float> values, ThreadTeam& team);

  DType type() const { return type_; }
  size_t n_rows() const { return n_rows_; }
  size_t n_cols() const { return n_cols_; }
  // Bytes of the weights in the file, the measure of memory traffic; the repacked size may be a little
  // larger.
  size_t file_bytes() const { return n_rows_ * RowBytes(type_, n_cols_); }
  size_t size_bytes() const { return n_groups() * group_bytes_; }

  // One row as floats (embedding lookup); exactly what DequantizeRow of the file's row gives.
  // REQUIRES: row < n_rows(), out.size() == n_cols().
  void Row(size_t row, std::span<float> out) const;

  // For kernels.
  size_t n_groups() const { return (n_rows_ + kRowGroup - 1) / kRowGroup; }
  const std::byte* group(size_t index) const { return data_.get() + index * group_bytes_; }

 private:
  WeightMatrix() = default;

  DType type_ = DType::kF32;
  size_t n_rows_ = 0;
  size_t n_cols_ = 0;
  size_t group_bytes_ = 0;
  std::shared_ptr<std::byte> data_;
};

}  // namespace sotto
