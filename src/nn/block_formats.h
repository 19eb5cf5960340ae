// The tensor types of GGUF files that Sotto reads, as they lie in the file.
//
// A row of n columns is a sequence of blocks, each of `block_size` values in `block_bytes` bytes, without
// padding. Numbers are little-endian; `d`, `m` and `dmin` are F16. Where value i of a block has its low four
// bits stands with each struct. Quantised values are d * q, or d * q - m. Functions are pure: any thread.
// Source: ggml's published formats (ggml-common.h, ggml-quants.c).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sotto {

// The values are ggml's type ids, as in the tensor directory of a GGUF file.
enum class DType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kBF16 = 30,
};

inline constexpr DType kAllDTypes[] = {DType::kF32,  DType::kF16,  DType::kQ4_0, DType::kQ5_0, DType::kQ5_1,
                                       DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kBF16};

struct BlockQ4_0 {  // q in 0..15 stands for q - 8
  uint16_t d;
  uint8_t qs[16];  // low nibble: value i, high nibble: value i + 16
};
struct BlockQ5_0 {  // q in 0..31 stands for q - 16
  uint16_t d;
  uint8_t qh[4];   // bit i of the 32: bit 4 of value i
  uint8_t qs[16];  // as BlockQ4_0
};
struct BlockQ5_1 {  // value = d * q + m
  uint16_t d;
  uint16_t m;
  uint8_t qh[4];
  uint8_t qs[16];
};
struct BlockQ8_0 {
  uint16_t d;
  int8_t qs[32];
};
// 256 values in 8 sub-blocks of 32: value = d * scale[sub] * q - dmin * min[sub]. The eight 6-bit scales and
// mins are packed into 12 bytes: see UnpackScalesK.
struct BlockQ4_K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t qs[128];  // bytes 32j..32j+31: low nibbles sub-block 2j, high nibbles sub-block 2j+1
};
struct BlockQ5_K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t qh[32];   // bit s of byte l: bit 4 of value l of sub-block s
  uint8_t qs[128];  // as BlockQ4_K
};
// 256 values in 16 sub-blocks of 16: value = d * scales[sub] * (q - 32). Each half of 128 values takes 64
// bytes of ql and 32 of qh: ql[l] low/high nibble = value l / l+64, ql[l+32] = value l+32 / l+96; qh[l] bits
// 0-1, 2-3, 4-5, 6-7 are the top bits of values l, l+32, l+64, l+96 (l < 32).
struct BlockQ6_K {
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  uint16_t d;
};
static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24);
static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockQ4_K) == 144 && sizeof(BlockQ5_K) == 176);
static_assert(sizeof(BlockQ6_K) == 210);

// Null for an id that is not one of kAllDTypes.
std::optional<DType> DTypeFromId(uint32_t ggml_id);
// "F32", "Q4_K", ...: static storage. DTypeFromName ignores case.
std::string_view DTypeName(DType type);
std::optional<DType> DTypeFromName(std::string_view name);

size_t BlockSize(DType type);   // values a block: 1, 32 or 256
size_t BlockBytes(DType type);  // bytes a block
inline bool IsQuantized(DType type) { return BlockSize(type) > 1; }
// REQUIRES: n_cols a multiple of BlockSize(type).
size_t RowBytes(DType type, size_t n_cols);

// Scale and min (0..63) of sub-block `sub` (0..7) out of the 12 packed bytes of a K block.
struct ScaleMinK {
  uint8_t scale;
  uint8_t min;
};
ScaleMinK UnpackScalesK(const uint8_t packed[12], size_t sub);

// REQUIRES: out.size() a multiple of BlockSize(type), row.size() >= RowBytes(type, out.size()). `row` need
// not be aligned.
void DequantizeRow(DType type, std::span<const std::byte> row, std::span<float> out);

// True for F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q4_K, Q6_K.
bool CanQuantize(DType type);
// Rounds `values` into `row`. Q4_0/Q5_0: the largest magnitude maps onto the end of the range; Q4_K, Q6_K:
// scales (and mins) searched for the least weighted squared error, as ggml does without an importance matrix.
// REQUIRES: CanQuantize(type), values.size() a multiple of BlockSize(type), row.size() == RowBytes(type,
// values.size()).
void QuantizeRow(DType type, std::span<const float> values, std::span<std::byte> row);

}  // namespace sotto
