// Matrix products, written once over the 16-lane vectors of simd_<isa>.h. A lane is a row of the group; an
// output is accumulated over the columns in ascending order in one float, block of 32 (Q6_K: 16) after block,
// whatever the tile: that is what makes results independent of batch and threads. Included once by a
// kernels_<isa>.cc.
#pragma once

#include "nn/kernel_table.h"
#include "nn/packed_layout.h"

namespace sotto {
namespace {

constexpr bool HasMin(DType type) {
  return type == DType::kQ5_1 || type == DType::kQ4_K || type == DType::kQ5_K;
}
constexpr bool HasTwoScales(DType type) { return type == DType::kQ6_K; }

inline int32_t OffsetOf(DType type) {
  switch (type) {
    case DType::kQ8_0:
      return kFullRangeSigned ? 0 : 128;
    case DType::kQ4_0:
      return 8;
    case DType::kQ5_0:
      return 16;
    case DType::kQ6_K:
      return 32;
    default:
      return 0;
  }
}

// What is subtracted from an unpacked byte to get the signed quant.
constexpr float ByteOffset(DType type) {
  return type == DType::kQ8_0   ? 128.0f
         : type == DType::kQ4_0 ? 8.0f
         : type == DType::kQ5_0 ? 16.0f
         : type == DType::kQ6_K ? 32.0f
                                : 0.0f;
}

// How far ahead of its use a weight is fetched, in bytes: into the second level of the cache (0: not), then into the
// first. Measured where the kernels run (docs/limits.md): a second request for each line costs Zen 5 a tenth of its rate.
#ifdef SOTTO_TILES
constexpr size_t kPrefetchFar = 16384;
constexpr size_t kPrefetchNear = 2048;
#else
constexpr size_t kPrefetchFar = 0;
constexpr size_t kPrefetchNear = 6144;
#endif

// A packed group that unpacks block after block.
template <DType kType>
class PackedGroup {
 public:
  static constexpr bool kMin = HasMin(kType);
  static constexpr bool kTwo = HasTwoScales(kType);
  static constexpr bool kFull = kType == DType::kQ8_0;

  struct Block {
    VB w[8];
    VB Quants(int j) const { return w[j]; }
  };

  PackedGroup() = default;
  PackedGroup(const std::byte* group, size_t n_cols) {
    const PackedSections sections = SectionsOf(kType, n_cols);
    quants_ = reinterpret_cast<const uint8_t*>(group);
    high_ = quants_ + (kType == DType::kQ5_0 || kType == DType::kQ5_1   ? n_cols / 32 * 256
                       : kType == DType::kQ5_K || kType == DType::kQ6_K ? n_cols / 32 * 256
                                                                        : 0);
    scales_ = quants_ + sections.scales;
    super_ = quants_ + sections.super;
    group_bytes_ = sections.bytes;
  }

  inline Block Load(size_t b) const {
    Block block;
    if constexpr (kType == DType::kQ8_0) {
      for (int j = 0; j < 8; ++j) block.w[j] = LoadBytes(quants_ + b * 512 + static_cast<size_t>(j) * 64);
    } else {
      for (int j = 0; j < 4; ++j) {
        const VB v = LoadBytes(quants_ + b * 256 + static_cast<size_t>(j) * 64);
        block.w[j] = LowNibbles(v);
        block.w[j + 4] = HighNibbles(v);
      }
    }
    if constexpr (kType == DType::kQ5_0 || kType == DType::kQ5_1 || kType == DType::kQ5_K) {
      const VB h = LoadBytes(high_ + b * 64);
      block.w[0] = OrShifted<4, 0x10>(block.w[0], h);
      block.w[1] = OrShifted<3, 0x10>(block.w[1], h);
      block.w[2] = OrShifted<2, 0x10>(block.w[2], h);
      block.w[3] = OrShifted<1, 0x10>(block.w[3], h);
      block.w[4] = OrShifted<0, 0x10>(block.w[4], h);
      block.w[5] = OrShifted<-1, 0x10>(block.w[5], h);
      block.w[6] = OrShifted<-2, 0x10>(block.w[6], h);
      block.w[7] = OrShifted<-3, 0x10>(block.w[7], h);
    } else if constexpr (kType == DType::kQ6_K) {
      for (int half = 0; half < 2; ++half) {
        const VB h = LoadBytes(high_ + b * 128 + static_cast<size_t>(half) * 64);
        VB* w = block.w + 4 * half;
        w[0] = OrShifted<4, 0x30>(w[0], h);
        w[1] = OrShifted<2, 0x30>(w[1], h);
        w[2] = OrShifted<0, 0x30>(w[2], h);
        w[3] = OrShifted<-2, 0x30>(w[3], h);
      }
    }
    return block;
  }

  // Scale of block b; of a type with two scales, of its columns 16 * half ...
  inline VF Scale(size_t b, size_t half) const {
    if constexpr (kType == DType::kQ4_K || kType == DType::kQ5_K) {
      return Mul(LoadU8(scales_ + b * 32), LoadHalf(super_ + b / 8 * 64));
    } else if constexpr (kType == DType::kQ6_K) {
      const auto* scale = reinterpret_cast<const int8_t*>(scales_ + b * 32 + half * 16);
      return Mul(LoadI8(scale), LoadHalf(super_ + b / 8 * 32));
    } else {
      return LoadHalf(scales_ + b * (kType == DType::kQ5_1 ? 64 : 32));
    }
  }
  // What is subtracted from every value of block b.
  inline VF Min(size_t b) const {
    if constexpr (kType == DType::kQ5_1) {
      return Sub(Zero(), LoadHalf(scales_ + b * 64 + 32));
    } else {
      return Mul(LoadU8(scales_ + b * 32 + 16), LoadHalf(super_ + b / 8 * 64 + 32));
    }
  }
  // Fetches what comes after block b: quants a little ahead (the next group's follow this group's), the rest
  // of the block of the same number in the next group.
  inline void PrefetchAfter(size_t b) const {
    constexpr size_t kBytes = kType == DType::kQ8_0 ? 512 : 256;
    for (size_t line = 0; line < kBytes; line += 64) {
      if constexpr (kPrefetchFar > 0) PrefetchFar(quants_ + b * kBytes + kPrefetchFar + line);
      Prefetch(quants_ + b * kBytes + kPrefetchNear + line);
    }
    constexpr size_t kHigh = kType == DType::kQ6_K                                                     ? 128
                             : kType == DType::kQ5_0 || kType == DType::kQ5_1 || kType == DType::kQ5_K ? 64
                                                                                                       : 0;
    for (size_t line = 0; line < kHigh; line += 64) Prefetch(high_ + group_bytes_ + b * kHigh + line);
    if (kType == DType::kQ5_1)
      Prefetch(scales_ + group_bytes_ + b * 64);
    else if (b % 2 == 0)
      Prefetch(scales_ + group_bytes_ + b * 32);
  }

 private:
  static inline VF LoadHalf(const uint8_t* p) { return LoadF16(reinterpret_cast<const uint16_t*>(p)); }

  const uint8_t* quants_ = nullptr;
  const uint8_t* high_ = nullptr;
  const uint8_t* scales_ = nullptr;
  const uint8_t* super_ = nullptr;
  size_t group_bytes_ = 0;
};

// Blocks unpacked to bytes and float scales, for batches that use them again and again.
template <bool kMinT, bool kTwoT, bool kFullT>
struct PanelGroup {
  static constexpr bool kMin = kMinT;
  static constexpr bool kTwo = kTwoT;
  static constexpr bool kFull = kFullT;
  static constexpr size_t kScales = kMin || kTwo ? 2 : 1;

  struct Block {
    const uint8_t* quants;
    VB Quants(int j) const { return LoadBytes(quants + static_cast<size_t>(j) * 64); }
  };
  inline Block Load(size_t b) const { return {quants + b * 512}; }
  inline VF Scale(size_t b, size_t half) const { return sotto::Load(scales + (b * kScales + half) * 16); }
  inline VF Min(size_t b) const { return sotto::Load(scales + (b * kScales + 1) * 16); }

  inline void PrefetchAfter(size_t) const {}

  const uint8_t* quants;
  const float* scales;
};

// Weights that are wanted next, fetched in small portions while a tile computes: `lines` cache lines a block.
struct Ahead {
  const std::byte* next = nullptr;
  size_t lines = 0;

  inline void Fetch(size_t block) const {
    for (size_t i = 0; i < lines; ++i) PrefetchFar(next + (block * lines + i) * 64);
  }
};

// Tokens of a tile, from a block on: pointers to the first token's values, and the distance from token to
// token.
struct TileTokens {
  const int8_t* q;
  const float* d;
  const float* dsum;
  const int32_t* init;
  size_t n_cols;
  size_t init_stride;
  Ahead ahead;
};

// The next `n_groups` groups, spread over all tiles of these ones. Call for each tile in turn.
class AheadOfGroups {
 public:
  AheadOfGroups(const MatMulJob& job, size_t group, size_t n_groups, size_t tile_tokens)
      : next_(job.groups + (group + n_groups) * job.group_bytes), end_(next_ + n_groups * job.group_bytes) {
    const size_t n_blocks = (job.n_tokens + tile_tokens - 1) / tile_tokens * (job.n_cols / 32);
    lines_ = (n_groups * job.group_bytes / 64 + n_blocks - 1) / n_blocks;
    if (group + 2 * n_groups > (job.n_rows + kRowGroup - 1) / kRowGroup) end_ = next_;
  }
  Ahead ForTile(size_t n_blocks) {
    if (next_ >= end_) return {};
    const Ahead ahead{next_, lines_};
    next_ += n_blocks * lines_ * 64;
    return ahead;
  }

 private:
  const std::byte* next_;
  const std::byte* end_;
  size_t lines_;
};

// y[t][16 r + lane] (+)= products over blocks [0, n_blocks) of R groups and T tokens.
template <class Group, int T, int R>
inline void Int8Tile(const Group* groups, const TileTokens& x, size_t n_blocks, bool add, float* y,
                     size_t y_stride, const size_t* lanes) {
  VF sum[R][T];
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      const float* from = y + static_cast<size_t>(t) * y_stride + static_cast<size_t>(r) * 16;
      sum[r][t] = !add ? Zero() : lanes[r] == 16 ? Load(from) : LoadN(from, lanes[r]);
    }
  }
  const size_t d_stride = x.n_cols / 32;
  for (size_t b = 0; b < n_blocks; ++b) {
    typename Group::Block block[R];
    for (int r = 0; r < R; ++r) {
      block[r] = groups[r].Load(b);
      groups[r].PrefetchAfter(b);
    }
    x.ahead.Fetch(b);
    constexpr int kHalves = Group::kTwo ? 2 : 1;
    for (int half = 0; half < kHalves; ++half) {
      VI acc[R][T];
      for (int t = 0; t < T; ++t) {
        const size_t at = static_cast<size_t>(t) * x.init_stride + b * kHalves + static_cast<size_t>(half);
        const VI init = x.init != nullptr ? SetInt(x.init[at]) : VI{};
        for (int r = 0; r < R; ++r) acc[r][t] = init;
      }
#pragma GCC unroll 8
      for (int j = half * 4; j < (Group::kTwo ? half * 4 + 4 : 8); ++j) {
        VB w[R];
        for (int r = 0; r < R; ++r) w[r] = block[r].Quants(j);
        for (int t = 0; t < T; ++t) {
          const VB xj =
              Broadcast4(x.q + static_cast<size_t>(t) * x.n_cols + b * 32 + static_cast<size_t>(j) * 4);
          for (int r = 0; r < R; ++r) acc[r][t] = Dot<Group::kFull>(acc[r][t], w[r], xj);
        }
      }
      for (int r = 0; r < R; ++r) {
        const VF scale = groups[r].Scale(b, static_cast<size_t>(half));
        for (int t = 0; t < T; ++t) {
          const VF d = Set(x.d[static_cast<size_t>(t) * d_stride + b]);
          sum[r][t] = Fma(ToFloat(acc[r][t]), Mul(scale, d), sum[r][t]);
        }
      }
    }
    if constexpr (Group::kMin) {
      for (int r = 0; r < R; ++r) {
        const VF min = groups[r].Min(b);
        for (int t = 0; t < T; ++t) {
          sum[r][t] = Fnma(min, Set(x.dsum[static_cast<size_t>(t) * d_stride + b]), sum[r][t]);
        }
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      float* to = y + static_cast<size_t>(t) * y_stride + static_cast<size_t>(r) * 16;
      if (lanes[r] == 16)
        Store(to, sum[r][t]);
      else
        StoreN(to, sum[r][t], lanes[r]);
    }
  }
}

inline TileTokens TokensFrom(const MatMulJob& job, size_t token, size_t block, bool two) {
  const size_t nb = job.n_cols / 32;
  const size_t init_stride = two ? 2 * nb : nb;
  const int32_t* init = job.init;
  if (init != nullptr) init += token * init_stride + (two ? 2 * block : block);
  return {job.x8.q + token * job.n_cols + block * 32,
          job.x8.d + token * nb + block,
          job.x8.dsum + token * nb + block,
          init,
          job.n_cols,
          init_stride,
          {}};
}

inline size_t LanesOf(const MatMulJob& job, size_t group) {
  const size_t left = job.n_rows - group * 16;
  return left < 16 ? left : 16;
}

// All tokens in tiles of T, T/2, ... 1.
template <class Group, int T, int R>
inline void Int8TokenTiles(const MatMulJob& job, const Group* groups, size_t group, size_t token,
                           size_t block, size_t n_blocks, AheadOfGroups* ahead) {
  size_t lanes[R];
  for (int r = 0; r < R; ++r) lanes[r] = LanesOf(job, group + static_cast<size_t>(r));
  for (; token + T <= job.n_tokens; token += T) {
    TileTokens x = TokensFrom(job, token, block, Group::kTwo);
    if (ahead != nullptr) x.ahead = ahead->ForTile(n_blocks);
    Int8Tile<Group, T, R>(groups, x, n_blocks, block > 0, job.y + token * job.y_stride + group * 16,
                          job.y_stride, lanes);
  }
  if constexpr (T > 1) Int8TokenTiles<Group, T / 2, R>(job, groups, group, token, block, n_blocks, ahead);
}

template <DType kType>
inline void MatMulInt8Direct(const MatMulJob& job, size_t first, size_t last) {
  for (size_t g = first; g < last; ++g) {
    const PackedGroup<kType> group(job.groups + g * job.group_bytes, job.n_cols);
    Int8TokenTiles<PackedGroup<kType>, kDirectTokens, 1>(job, &group, g, 0, 0, job.n_cols / 32, nullptr);
  }
}

template <DType kType>
using PanelOf = PanelGroup<HasMin(kType), HasTwoScales(kType), kType == DType::kQ8_0>;

// Unpacks blocks [block, block + n) into scratch; with `kSigned` to signed bytes.
template <DType kType, bool kSigned = false>
inline PanelOf<kType> Unpack(const PackedGroup<kType>& group, const std::byte* bytes, size_t block, size_t n,
                             std::byte* scratch) {
  using Panel = PanelOf<kType>;
  constexpr bool kInPlace = kType == DType::kQ8_0 && !kSigned;
  auto* quants = reinterpret_cast<uint8_t*>(scratch);
  auto* scales = reinterpret_cast<float*>(scratch + kPanelColumns * kRowGroup);
  for (size_t b = 0; b < n; ++b) {
    group.PrefetchAfter(block + b);
    if constexpr (!kInPlace) {
      const auto unpacked = group.Load(block + b);
      for (int j = 0; j < 8; ++j) {
        const VB w =
            kSigned ? SubBytes(unpacked.w[j], static_cast<uint8_t>(ByteOffset(kType))) : unpacked.w[j];
        StoreBytes(quants + b * 512 + static_cast<size_t>(j) * 64, w);
      }
    }
    Store(scales + b * Panel::kScales * 16, group.Scale(block + b, 0));
    if constexpr (Panel::kTwo) Store(scales + b * 32 + 16, group.Scale(block + b, 1));
    if constexpr (Panel::kMin) Store(scales + b * 32 + 16, group.Min(block + b));
  }
  const auto* packed = reinterpret_cast<const uint8_t*>(bytes) + block * 512;
  return {kInPlace ? packed : quants, scales};
}

template <DType kType, int R>
inline void MatMulInt8Panels(const MatMulJob& job, size_t g, std::byte* scratch) {
  constexpr size_t kBlocks = kPanelColumns / 32;
  constexpr size_t kStride = kMatMulScratchBytes / kPanelGroups;
  const size_t nb = job.n_cols / 32;
  AheadOfGroups ahead(job, g, R, kTileTokens);
  for (size_t block = 0; block < nb; block += kBlocks) {
    const size_t n = nb - block < kBlocks ? nb - block : kBlocks;
    PanelOf<kType> panels[R];
    for (size_t r = 0; r < R; ++r) {
      const std::byte* bytes = job.groups + (g + r) * job.group_bytes;
      panels[r] =
          Unpack<kType>(PackedGroup<kType>(bytes, job.n_cols), bytes, block, n, scratch + r * kStride);
    }
    Int8TokenTiles<PanelOf<kType>, kTileTokens, R>(job, panels, g, 0, block, n, &ahead);
  }
}

}  // namespace
}  // namespace sotto

#ifdef SOTTO_TILES
#include "nn/matmul_tiles.h"
#endif

namespace sotto {
namespace {

template <DType kType>
inline void MatMulInt8Of(const MatMulJob& job, size_t first, size_t last, std::byte* scratch) {
  if (job.n_tokens <= kDirectTokens) return MatMulInt8Direct<kType>(job, first, last);
#ifdef SOTTO_TILES
  MatMulInt8WithTiles<kType>(job, first, last, scratch);
#else
  size_t g = first;
  for (; g + kTileGroups <= last; g += kTileGroups) MatMulInt8Panels<kType, kTileGroups>(job, g, scratch);
  for (; g < last; ++g) MatMulInt8Panels<kType, 1>(job, g, scratch);
#endif
}

void MatMulInt8(const MatMulJob& job, size_t first, size_t last, std::byte* scratch) {
  switch (job.type) {
    case DType::kQ8_0:
      return MatMulInt8Of<DType::kQ8_0>(job, first, last, scratch);
    case DType::kQ4_0:
      return MatMulInt8Of<DType::kQ4_0>(job, first, last, scratch);
    case DType::kQ5_0:
      return MatMulInt8Of<DType::kQ5_0>(job, first, last, scratch);
    case DType::kQ5_1:
      return MatMulInt8Of<DType::kQ5_1>(job, first, last, scratch);
    case DType::kQ4_K:
      return MatMulInt8Of<DType::kQ4_K>(job, first, last, scratch);
    case DType::kQ5_K:
      return MatMulInt8Of<DType::kQ5_K>(job, first, last, scratch);
    case DType::kQ6_K:
      return MatMulInt8Of<DType::kQ6_K>(job, first, last, scratch);
    default:
      return;
  }
}

void QuantizeTokens(const float* x, size_t n_tokens, size_t n_cols, Int8Tokens out) {
  const size_t n_blocks = n_tokens * n_cols / 32;
  for (size_t b = 0; b < n_blocks; ++b) {
    const VF low = Load(x + b * 32);
    const VF high = Load(x + b * 32 + 16);
    const float max = ReduceMax(Max(Abs(low), Abs(high)));
    // Smaller blocks are zero: their inverse would overflow.
    const bool zero = !(max > 1e-30f);
    const float inverse = zero ? 0.0f : 127.0f / max;
    const float d = zero ? 0.0f : max / 127.0f;
    const VI q_low = Round(Mul(low, Set(inverse)));
    const VI q_high = Round(Mul(high, Set(inverse)));
    StoreInt8(out.q + b * 32, q_low);
    StoreInt8(out.q + b * 32 + 16, q_high);
    out.sum16[b * 2] = ReduceAddInt(q_low);
    out.sum16[b * 2 + 1] = ReduceAddInt(q_high);
    out.d[b] = d;
    out.dsum[b] = d * static_cast<float>(out.sum16[b * 2] + out.sum16[b * 2 + 1]);
  }
}

}  // namespace
}  // namespace sotto
