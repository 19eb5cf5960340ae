#include "nn/block_formats.h"

#include <cctype>
#include <cstring>

#include "base/check.h"
#include "nn/half.h"

namespace sotto {
namespace {

struct TypeInfo {
  DType type;
  std::string_view name;
  size_t block_size;
  size_t block_bytes;
};

constexpr TypeInfo kTypes[] = {
    {DType::kF32, "F32", 1, 4},
    {DType::kF16, "F16", 1, 2},
    {DType::kQ4_0, "Q4_0", 32, sizeof(BlockQ4_0)},
    {DType::kQ5_0, "Q5_0", 32, sizeof(BlockQ5_0)},
    {DType::kQ5_1, "Q5_1", 32, sizeof(BlockQ5_1)},
    {DType::kQ8_0, "Q8_0", 32, sizeof(BlockQ8_0)},
    {DType::kQ4_K, "Q4_K", 256, sizeof(BlockQ4_K)},
    {DType::kQ5_K, "Q5_K", 256, sizeof(BlockQ5_K)},
    {DType::kQ6_K, "Q6_K", 256, sizeof(BlockQ6_K)},
    {DType::kBF16, "BF16", 1, 2},
};

const TypeInfo& InfoOf(DType type) {
  for (const TypeInfo& info : kTypes) {
    if (info.type == type) return info;
  }
  SOTTO_CHECK(false, "no tensor type has id {}", static_cast<uint32_t>(type));
}

void Dequantize(const BlockQ4_0& block, float* out) {
  const float d = F16ToFloat(block.d);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((block.qs[i] & 15) - 8);
    out[i + 16] = d * static_cast<float>((block.qs[i] >> 4) - 8);
  }
}

void Dequantize(const BlockQ5_0& block, float* out) {
  const float d = F16ToFloat(block.d);
  uint32_t high;
  std::memcpy(&high, block.qh, 4);
  for (int i = 0; i < 16; ++i) {
    const int low_q = (block.qs[i] & 15) | static_cast<int>((high >> i & 1) << 4);
    const int high_q = (block.qs[i] >> 4) | static_cast<int>((high >> (i + 16) & 1) << 4);
    out[i] = d * static_cast<float>(low_q - 16);
    out[i + 16] = d * static_cast<float>(high_q - 16);
  }
}

void Dequantize(const BlockQ5_1& block, float* out) {
  const float d = F16ToFloat(block.d);
  const float m = F16ToFloat(block.m);
  uint32_t high;
  std::memcpy(&high, block.qh, 4);
  for (int i = 0; i < 16; ++i) {
    const int low_q = (block.qs[i] & 15) | static_cast<int>((high >> i & 1) << 4);
    const int high_q = (block.qs[i] >> 4) | static_cast<int>((high >> (i + 16) & 1) << 4);
    out[i] = d * static_cast<float>(low_q) + m;
    out[i + 16] = d * static_cast<float>(high_q) + m;
  }
}

void Dequantize(const BlockQ8_0& block, float* out) {
  const float d = F16ToFloat(block.d);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(block.qs[i]);
}

void Dequantize(const BlockQ4_K& block, float* out) {
  const float d = F16ToFloat(block.d);
  const float dmin = F16ToFloat(block.dmin);
  for (size_t sub = 0; sub < 8; ++sub) {
    const ScaleMinK s = UnpackScalesK(block.scales, sub);
    const float scale = d * static_cast<float>(s.scale);
    const float min = dmin * static_cast<float>(s.min);
    for (size_t i = 0; i < 32; ++i) {
      const int q = block.qs[sub / 2 * 32 + i] >> (sub % 2 * 4) & 15;
      out[sub * 32 + i] = scale * static_cast<float>(q) - min;
    }
  }
}

void Dequantize(const BlockQ5_K& block, float* out) {
  const float d = F16ToFloat(block.d);
  const float dmin = F16ToFloat(block.dmin);
  for (size_t sub = 0; sub < 8; ++sub) {
    const ScaleMinK s = UnpackScalesK(block.scales, sub);
    const float scale = d * static_cast<float>(s.scale);
    const float min = dmin * static_cast<float>(s.min);
    for (size_t i = 0; i < 32; ++i) {
      const int q = (block.qs[sub / 2 * 32 + i] >> (sub % 2 * 4) & 15) | ((block.qh[i] >> sub & 1) << 4);
      out[sub * 32 + i] = scale * static_cast<float>(q) - min;
    }
  }
}

void Dequantize(const BlockQ6_K& block, float* out) {
  const float d = F16ToFloat(block.d);
  for (size_t i = 0; i < 256; ++i) {
    const size_t half = i / 128;
    const size_t quarter = i % 128 / 32;
    const size_t l = i % 32;
    const int low = block.ql[half * 64 + quarter % 2 * 32 + l] >> (quarter / 2 * 4) & 15;
    const int high = block.qh[half * 32 + l] >> (quarter * 2) & 3;
    out[i] = d * static_cast<float>(block.scales[i / 16]) * static_cast<float>((low | high << 4) - 32);
  }
}

template <typename Block>
void DequantizeBlocks(const std::byte* row, std::span<float> out, size_t block_size) {
  for (size_t i = 0; i < out.size(); i += block_size, row += sizeof(Block)) {
    Block block;
    std::memcpy(&block, row, sizeof(Block));
    Dequantize(block, out.data() + i);
  }
}

template <typename Convert>
void ConvertHalves(const std::byte* row, std::span<float> out, Convert convert) {
  for (size_t i = 0; i < out.size(); ++i) {
    uint16_t half;
    std::memcpy(&half, row + 2 * i, 2);
    out[i] = convert(half);
  }
}

}  // namespace

std::optional<DType> DTypeFromId(uint32_t ggml_id) {
  for (const TypeInfo& info : kTypes) {
    if (static_cast<uint32_t>(info.type) == ggml_id) return info.type;
  }
  return std::nullopt;
}

std::string_view DTypeName(DType type) { return InfoOf(type).name; }

std::optional<DType> DTypeFromName(std::string_view name) {
  for (const TypeInfo& info : kTypes) {
    if (name.size() != info.name.size()) continue;
    bool same = true;
    for (size_t i = 0; i < name.size(); ++i) {
      same &= std::toupper(static_cast<unsigned char>(name[i])) == info.name[i];
    }
    if (same) return info.type;
  }
  return std::nullopt;
}

size_t BlockSize(DType type) { return InfoOf(type).block_size; }
size_t BlockBytes(DType type) { return InfoOf(type).block_bytes; }

size_t RowBytes(DType type, size_t n_cols) {
  const TypeInfo& info = InfoOf(type);
  SOTTO_CHECK(n_cols % info.block_size == 0, "{} columns in {}", n_cols, info.name);
  return n_cols / info.block_size * info.block_bytes;
}

ScaleMinK UnpackScalesK(const uint8_t packed[12], size_t sub) {
  if (sub < 4) return {static_cast<uint8_t>(packed[sub] & 63), static_cast<uint8_t>(packed[sub + 4] & 63)};
  return {static_cast<uint8_t>((packed[sub + 4] & 15) | (packed[sub - 4] >> 6 << 4)),
          static_cast<uint8_t>((packed[sub + 4] >> 4) | (packed[sub] >> 6 << 4))};
}

void DequantizeRow(DType type, std::span<const std::byte> row, std::span<float> out) {
  SOTTO_CHECK(row.size() >= RowBytes(type, out.size()), "{} bytes for {} values of {}", row.size(),
              out.size(), DTypeName(type));
  const std::byte* bytes = row.data();
  switch (type) {
    case DType::kF32:
      std::memcpy(out.data(), bytes, out.size_bytes());
      return;
    case DType::kF16:
      return ConvertHalves(bytes, out, F16ToFloat);
    case DType::kBF16:
      return ConvertHalves(bytes, out, Bf16ToFloat);
    case DType::kQ4_0:
      return DequantizeBlocks<BlockQ4_0>(bytes, out, 32);
    case DType::kQ5_0:
      return DequantizeBlocks<BlockQ5_0>(bytes, out, 32);
    case DType::kQ5_1:
      return DequantizeBlocks<BlockQ5_1>(bytes, out, 32);
    case DType::kQ8_0:
      return DequantizeBlocks<BlockQ8_0>(bytes, out, 32);
    case DType::kQ4_K:
      return DequantizeBlocks<BlockQ4_K>(bytes, out, 256);
    case DType::kQ5_K:
      return DequantizeBlocks<BlockQ5_K>(bytes, out, 256);
    case DType::kQ6_K:
      return DequantizeBlocks<BlockQ6_K>(bytes, out, 256);
  }
}

}  // namespace sotto
