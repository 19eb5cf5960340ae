#include "nn/weight_matrix.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <vector>

#include "base/check.h"
#include "nn/half.h"
#include "nn/packed_layout.h"
#include "nn/thread_team.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace sotto {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

// ---- repacking: block b of one row (lane) into its group ----

struct GroupBytes {
  uint8_t* quants;
  uint8_t* high;
  uint8_t* scales;
  uint8_t* super;
};

GroupBytes SplitGroup(std::byte* group, DType type, size_t n_cols) {
  const PackedSections sections = SectionsOf(type, n_cols);
  auto* bytes = reinterpret_cast<uint8_t*>(group);
  return {bytes, bytes + sections.high, bytes + sections.scales, bytes + sections.super};
}

// 32 quants of four bits (low nibbles) into the nibble section.
void StoreNibbles(const uint8_t q[32], uint8_t* quants, size_t b, size_t lane) {
  for (size_t j = 0; j < 4; ++j) {
    uint8_t* to = quants + b * 256 + j * 64 + lane * 4;
    for (size_t i = 0; i < 4; ++i)
      to[i] = static_cast<uint8_t>((q[4 * j + i] & 15) | (q[16 + 4 * j + i] & 15) << 4);
  }
}

void StoreHighBits(const uint8_t q[32], uint8_t* high, size_t b, size_t lane) {
  uint8_t* to = high + b * 64 + lane * 4;
  for (size_t i = 0; i < 4; ++i) {
    unsigned bits = 0;
    for (size_t j = 0; j < 8; ++j) bits |= static_cast<unsigned>(q[4 * j + i] >> 4 & 1) << j;
    to[i] = static_cast<uint8_t>(bits);
  }
}

void Repack(const BlockQ8_0& block, const GroupBytes& to, size_t b, size_t lane) {
  for (size_t j = 0; j < 8; ++j) {
    uint32_t word;
    std::memcpy(&word, block.qs + 4 * j, 4);
    word ^= 0x80808080u;
    std::memcpy(to.quants + b * 512 + j * 64 + lane * 4, &word, 4);
  }
  std::memcpy(to.scales + b * 32 + lane * 2, &block.d, 2);
}

// The nibbles of the 32-value blocks stand in the file as they are packed.
void CopyNibbles(const uint8_t qs[16], uint8_t* quants, size_t b, size_t lane) {
  for (size_t j = 0; j < 4; ++j) std::memcpy(quants + b * 256 + j * 64 + lane * 4, qs + 4 * j, 4);
}

void Repack(const BlockQ4_0& block, const GroupBytes& to, size_t b, size_t lane) {
  CopyNibbles(block.qs, to.quants, b, lane);
  std::memcpy(to.scales + b * 32 + lane * 2, &block.d, 2);
}

void FifthBits(const uint8_t qh[4], uint8_t* high, size_t b, size_t lane) {
  uint8_t q[32];
  for (size_t i = 0; i < 32; ++i) q[i] = static_cast<uint8_t>((qh[i / 8] >> (i % 8) & 1) << 4);
  StoreHighBits(q, high, b, lane);
}

void Repack(const BlockQ5_0& block, const GroupBytes& to, size_t b, size_t lane) {
  CopyNibbles(block.qs, to.quants, b, lane);
  FifthBits(block.qh, to.high, b, lane);
  std::memcpy(to.scales + b * 32 + lane * 2, &block.d, 2);
}

void Repack(const BlockQ5_1& block, const GroupBytes& to, size_t b, size_t lane) {
  CopyNibbles(block.qs, to.quants, b, lane);
  FifthBits(block.qh, to.high, b, lane);
  std::memcpy(to.scales + b * 64 + lane * 2, &block.d, 2);
  std::memcpy(to.scales + b * 64 + 32 + lane * 2, &block.m, 2);
}

template <typename Block>
void RepackScalesK(const Block& block, const GroupBytes& to, size_t s, size_t lane) {
  for (size_t sub = 0; sub < 8; ++sub) {
    const ScaleMinK scale = UnpackScalesK(block.scales, sub);
    to.scales[(s * 8 + sub) * 32 + lane] = scale.scale;
    to.scales[(s * 8 + sub) * 32 + 16 + lane] = scale.min;
  }
  std::memcpy(to.super + s * 64 + lane * 2, &block.d, 2);
  std::memcpy(to.super + s * 64 + 32 + lane * 2, &block.dmin, 2);
}

// Sub-blocks 2j and 2j+1 stand in the file as the low and the high nibbles of the same 32 bytes; eight
// nibbles (two words) are regrouped at a time.
void RepackNibblesK(const uint8_t qs[128], const GroupBytes& to, size_t s, size_t lane) {
  for (size_t pair = 0; pair < 4; ++pair) {
    for (size_t j = 0; j < 4; ++j) {
      uint32_t first;
      uint32_t second;
      std::memcpy(&first, qs + pair * 32 + 4 * j, 4);
      std::memcpy(&second, qs + pair * 32 + 16 + 4 * j, 4);
      const uint32_t low = (first & 0x0F0F0F0Fu) | (second & 0x0F0F0F0Fu) << 4;
      const uint32_t high = (first >> 4 & 0x0F0F0F0Fu) | (second & 0xF0F0F0F0u);
      uint8_t* quants = to.quants + (s * 8 + pair * 2) * 256 + j * 64 + lane * 4;
      std::memcpy(quants, &low, 4);
      std::memcpy(quants + 256, &high, 4);
    }
  }
}

void Repack(const BlockQ4_K& block, const GroupBytes& to, size_t s, size_t lane) {
  RepackNibblesK(block.qs, to, s, lane);
  RepackScalesK(block, to, s, lane);
}

void Repack(const BlockQ5_K& block, const GroupBytes& to, size_t s, size_t lane) {
  RepackNibblesK(block.qs, to, s, lane);
  for (size_t sub = 0; sub < 8; ++sub) {
    uint8_t q[32];
    for (size_t i = 0; i < 32; ++i) q[i] = static_cast<uint8_t>((block.qh[i] >> sub & 1) << 4);
    StoreHighBits(q, to.high, s * 8 + sub, lane);
  }
  RepackScalesK(block, to, s, lane);
}

void Repack(const BlockQ6_K& block, const GroupBytes& to, size_t s, size_t lane) {
  for (size_t sub = 0; sub < 8; ++sub) {
    const size_t half = sub / 4;
    const size_t quarter = sub % 4;
    uint8_t q[32];
    for (size_t l = 0; l < 32; ++l) {
      const int low = block.ql[half * 64 + quarter % 2 * 32 + l] >> (quarter / 2 * 4) & 15;
      const int high = block.qh[half * 32 + l] >> (quarter * 2) & 3;
      q[l] = static_cast<uint8_t>(low | high << 4);
    }
    const size_t b = s * 8 + sub;
    StoreNibbles(q, to.quants, b, lane);
    for (size_t h = 0; h < 2; ++h) {
      for (size_t i = 0; i < 4; ++i) {
        unsigned bits = 0;
        for (size_t j = 0; j < 4; ++j) bits |= static_cast<unsigned>(q[16 * h + 4 * j + i] >> 4) << (2 * j);
        to.high[b * 128 + h * 64 + lane * 4 + i] = static_cast<uint8_t>(bits);
      }
    }
    to.scales[b * 32 + lane] = static_cast<uint8_t>(block.scales[2 * sub]);
    to.scales[b * 32 + 16 + lane] = static_cast<uint8_t>(block.scales[2 * sub + 1]);
  }
  std::memcpy(to.super + s * 32 + lane * 2, &block.d, 2);
}

template <typename Block>
void RepackGroup(const std::byte* rows, size_t row_bytes, size_t n_lanes, const GroupBytes& to) {
  const size_t n_blocks = row_bytes / sizeof(Block);
  for (size_t b = 0; b < n_blocks; ++b) {
    for (size_t lane = 0; lane < n_lanes; ++lane) {
      Block block;
      std::memcpy(&block, rows + lane * row_bytes + b * sizeof(Block), sizeof(Block));
      Repack(block, to, b, lane);
    }
  }
}

template <typename Value>
void TransposeGroup(const std::byte* rows, size_t n_cols, size_t n_lanes, std::byte* group) {
  for (size_t begin = 0; begin < n_cols; begin += 64) {
    const size_t end = begin + 64 < n_cols ? begin + 64 : n_cols;
    for (size_t lane = 0; lane < n_lanes; ++lane) {
      for (size_t c = begin; c < end; ++c) {
        std::memcpy(group + (c * kRowGroup + lane) * sizeof(Value),
                    rows + (lane * n_cols + c) * sizeof(Value), sizeof(Value));
      }
    }
  }
}

void PackGroup(DType type, const std::byte* rows, size_t n_cols, size_t n_lanes, std::byte* group) {
  const size_t row_bytes = RowBytes(type, n_cols);
  const GroupBytes to = SplitGroup(group, type, n_cols);
  switch (type) {
    case DType::kF32:
      return TransposeGroup<uint32_t>(rows, n_cols, n_lanes, group);
    case DType::kF16:
    case DType::kBF16:
      return TransposeGroup<uint16_t>(rows, n_cols, n_lanes, group);
    case DType::kQ8_0:
      return RepackGroup<BlockQ8_0>(rows, row_bytes, n_lanes, to);
    case DType::kQ4_0:
      return RepackGroup<BlockQ4_0>(rows, row_bytes, n_lanes, to);
    case DType::kQ5_0:
      return RepackGroup<BlockQ5_0>(rows, row_bytes, n_lanes, to);
    case DType::kQ5_1:
      return RepackGroup<BlockQ5_1>(rows, row_bytes, n_lanes, to);
    case DType::kQ4_K:
      return RepackGroup<BlockQ4_K>(rows, row_bytes, n_lanes, to);
    case DType::kQ5_K:
      return RepackGroup<BlockQ5_K>(rows, row_bytes, n_lanes, to);
    case DType::kQ6_K:
      return RepackGroup<BlockQ6_K>(rows, row_bytes, n_lanes, to);
  }
}

// ---- reading a row back ----

float HalfAt(const uint8_t* halves, size_t index) {
  uint16_t half;
  std::memcpy(&half, halves + 2 * index, 2);
  return F16ToFloat(half);
}

// Value c of the row in `lane`, quantised types.
float ValueAt(DType type, const GroupBytes& g, size_t lane, size_t c) {
  const size_t b = c / 32;
  const size_t k = c % 32;
  if (type == DType::kQ8_0) {
    const int q = g.quants[b * 512 + k / 4 * 64 + lane * 4 + k % 4];
    return HalfAt(g.scales, b * 16 + lane) * static_cast<float>(q - 128);
  }
  int q = g.quants[b * 256 + k % 16 / 4 * 64 + lane * 4 + k % 4] >> (k / 16 * 4) & 15;
  if (type == DType::kQ5_0 || type == DType::kQ5_1 || type == DType::kQ5_K) {
    q |= (g.high[b * 64 + lane * 4 + k % 4] >> (k / 4) & 1) << 4;
  }
  switch (type) {
    case DType::kQ4_0:
      return HalfAt(g.scales, b * 16 + lane) * static_cast<float>(q - 8);
    case DType::kQ5_0:
      return HalfAt(g.scales, b * 16 + lane) * static_cast<float>(q - 16);
    case DType::kQ5_1:
      return HalfAt(g.scales, b * 32 + lane) * static_cast<float>(q) + HalfAt(g.scales, b * 32 + 16 + lane);
    case DType::kQ4_K:
    case DType::kQ5_K: {
      const float scale = HalfAt(g.super, c / 256 * 32 + lane) * static_cast<float>(g.scales[b * 32 + lane]);
      const float min =
          HalfAt(g.super, c / 256 * 32 + 16 + lane) * static_cast<float>(g.scales[b * 32 + 16 + lane]);
      return scale * static_cast<float>(q) - min;
    }
    default: {
      q |= (g.high[b * 128 + k / 16 * 64 + lane * 4 + k % 4] >> (k % 16 / 4 * 2) & 3) << 4;
      const auto scale = static_cast<int8_t>(g.scales[b * 32 + k / 16 * 16 + lane]);
      return HalfAt(g.super, c / 256 * 16 + lane) * static_cast<float>(scale) * static_cast<float>(q - 32);
    }
  }
}

// Weights of several matrices lie in one region, because a matrix of a few megabytes of its own gets few huge
// pages, and small pages cost a quarter of the bandwidth. Regions are freed with their last matrix.
class WeightRegions {
 public:
  std::shared_ptr<std::byte> Allocate(size_t size_bytes) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<AlignedBuffer> region = current_.lock();
    if (region == nullptr || region->size() - used_ < size_bytes) {
      region = std::make_shared<AlignedBuffer>(std::max(size_bytes, kRegionBytes));
      current_ = region;
      used_ = 0;
    }
    std::byte* data = region->data() + used_;
    used_ += (size_bytes + 63) / 64 * 64;
    return {std::move(region), data};
  }

 private:
  static constexpr size_t kRegionBytes = size_t{64} << 20;
  std::mutex mutex_;
  std::weak_ptr<AlignedBuffer> current_;
  size_t used_ = 0;
};

std::shared_ptr<std::byte> AllocateWeights(size_t size_bytes) {
  static WeightRegions regions;  // of the process, as the heap is
  return regions.Allocate(size_bytes);
}

}  // namespace

AlignedBuffer::AlignedBuffer(size_t size_bytes) : size_(size_bytes) {
  const bool huge = size_bytes >= 2 * kHugePage;
  const size_t alignment = huge ? kHugePage : 64;
  const size_t rounded = (size_bytes + alignment - 1) / alignment * alignment;
  auto* data = static_cast<std::byte*>(std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded));
  if (data == nullptr) throw std::bad_alloc();
#if defined(__linux__)
  if (huge) madvise(data, rounded, MADV_HUGEPAGE);
#endif
  data_.reset(data);
}

void AlignedBuffer::Free::operator()(std::byte* data) const { std::free(data); }

Result<WeightMatrix> WeightMatrix::Create(DType type, size_t n_rows, size_t n_cols,
                                          std::span<const std::byte> bytes, ThreadTeam& team) {
  const std::string_view name = DTypeName(type);
  if (n_rows == 0 || n_cols == 0) {
    return MakeError(ErrorCode::kInvalidArgument, "a {} matrix of {} x {} is empty", name, n_rows, n_cols);
  }
  if (n_cols % BlockSize(type) != 0) {
    return MakeError(ErrorCode::kInvalidArgument, "{} columns in {}, whose rows are multiples of {}", n_cols,
                     name, BlockSize(type));
  }
  const size_t row_bytes = RowBytes(type, n_cols);
  if (row_bytes < n_cols / BlockSize(type) || bytes.size() / row_bytes != n_rows ||
      bytes.size() % row_bytes != 0) {
    return MakeError(ErrorCode::kInvalidArgument, "{} bytes for a {} matrix of {} x {}", bytes.size(), name,
                     n_rows, n_cols);
  }
  WeightMatrix matrix;
  matrix.type_ = type;
  matrix.n_rows_ = n_rows;
  matrix.n_cols_ = n_cols;
  matrix.group_bytes_ = SectionsOf(type, n_cols).bytes;
  matrix.data_ = AllocateWeights(matrix.n_groups() * matrix.group_bytes_);
  std::byte* data = matrix.data_.get();
  team.ParallelFor(matrix.n_groups(), 16, [&](size_t begin, size_t end, size_t) {
    for (size_t g = begin; g < end; ++g) {
      std::byte* group = data + g * matrix.group_bytes_;
      const size_t n_lanes = n_rows - g * kRowGroup < kRowGroup ? n_rows - g * kRowGroup : kRowGroup;
      // Nothing uninitialised: not the lanes beyond the last row, not the padding.
      if (n_lanes < kRowGroup)
        std::memset(group, 0, matrix.group_bytes_);
      else
        std::memset(group + matrix.group_bytes_ - 64, 0, 64);
      PackGroup(type, bytes.data() + g * kRowGroup * row_bytes, n_cols, n_lanes, group);
    }
  });
  return matrix;
}

Result<WeightMatrix> WeightMatrix::FromFloats(DType type, size_t n_rows, size_t n_cols,
                                              std::span<const float> values, ThreadTeam& team) {
  if (n_cols == 0 || values.size() / n_cols != n_rows || values.size() % n_cols != 0) {
    return MakeError(ErrorCode::kInvalidArgument, "{} values for a matrix of {} x {}", values.size(), n_rows,
                     n_cols);
  }
  if (n_cols % BlockSize(type) != 0) {
    return MakeError(ErrorCode::kInvalidArgument, "{} columns in {}, whose rows are multiples of {}", n_cols,
                     DTypeName(type), BlockSize(type));
  }
  const size_t row_bytes = RowBytes(type, n_cols);
  std::vector<std::byte> bytes(n_rows * row_bytes);
  team.ParallelFor(n_rows, 16, [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) {
      QuantizeRow(type, values.subspan(r * n_cols, n_cols),
                  std::span(bytes).subspan(r * row_bytes, row_bytes));
    }
  });
  return Create(type, n_rows, n_cols, bytes, team);
}

void WeightMatrix::Row(size_t row, std::span<float> out) const {
  SOTTO_CHECK(row < n_rows_ && out.size() == n_cols_, "row {} of {}, {} of {} columns", row, n_rows_,
              out.size(), n_cols_);
  const std::byte* bytes = group(row / kRowGroup);
  const size_t lane = row % kRowGroup;
  if (BlockSize(type_) == 1) {
    for (size_t c = 0; c < n_cols_; ++c) {
      if (type_ == DType::kF32) {
        std::memcpy(&out[c], bytes + (c * kRowGroup + lane) * 4, 4);
      } else {
        uint16_t half;
        std::memcpy(&half, bytes + (c * kRowGroup + lane) * 2, 2);
        out[c] = type_ == DType::kF16 ? F16ToFloat(half) : Bf16ToFloat(half);
      }
    }
    return;
  }
  const GroupBytes split = SplitGroup(const_cast<std::byte*>(bytes), type_, n_cols_);
  for (size_t c = 0; c < n_cols_; ++c) out[c] = ValueAt(type_, split, lane, c);
}

}  // namespace sotto
