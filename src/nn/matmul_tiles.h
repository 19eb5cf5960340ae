// Int8 products of batches with AMX tiles. Included by matmul_kernels.h on the AMX level.
#pragma once

#include "nn/tiles_amx.h"

namespace sotto {
namespace {

// c[token][row] = products of one block (half a block for types with two scales). Tiles: 0 sums, 1 tokens, 2
// weights.
template <bool kTwo>
inline void TileBlock(const int8_t* q, size_t n_cols, const uint8_t* weights, size_t half_block, int32_t* c) {
  SOTTO_TILE_ZERO(0);
  SOTTO_TILE_LOAD(1, q + half_block * (kTwo ? 16 : 32), n_cols);
  SOTTO_TILE_LOAD(2, weights + half_block * (kTwo ? 256 : 512), size_t{64});
  SOTTO_TILE_DOT_INT8(0, 1, 2);
  SOTTO_TILE_STORE(0, c, size_t{64});
}

// The sums of 16 tokens, as in Int8Tile: same operations in the same order.
template <class Group>
inline void TileTokens16(const Group& group, const TileTokens& x, size_t n_blocks, bool add, float* y,
                         size_t y_stride, size_t lanes, size_t n_tokens) {
  constexpr size_t kHalves = Group::kTwo ? 2 : 1;
  alignas(64) int32_t c[2][kTileRows * 16];
  VF sum[kTileRows];
  for (size_t t = 0; t < kTileRows; ++t) {
    sum[t] = add && t < n_tokens ? LoadN(y + t * y_stride, lanes) : Zero();
  }
  const size_t d_stride = x.n_cols / 32;
  TileBlock<Group::kTwo>(x.q, x.n_cols, group.quants, 0, c[0]);
  for (size_t h = 0; h < n_blocks * kHalves; ++h) {
    // The next block's tiles run while this block's sums are scaled.
    if (h + 1 < n_blocks * kHalves)
      TileBlock<Group::kTwo>(x.q, x.n_cols, group.quants, h + 1, c[(h + 1) % 2]);
    const size_t b = h / kHalves;
    const VF scale = group.Scale(b, h % kHalves);
    const int32_t* from = c[h % 2];
#pragma GCC unroll 16
    for (size_t t = 0; t < kTileRows; ++t) {
      const VF products = ToFloat(_mm512_load_si512(from + t * 16));
      sum[t] = Fma(products, Mul(scale, Set(x.d[t * d_stride + b])), sum[t]);
    }
    if constexpr (Group::kMin) {
      const VF min = group.Min(b);
#pragma GCC unroll 16
      for (size_t t = 0; t < kTileRows; ++t) sum[t] = Fnma(min, Set(x.dsum[t * d_stride + b]), sum[t]);
    }
  }
  for (size_t t = 0; t < kTileRows; ++t) {
    if (t < n_tokens) StoreN(y + t * y_stride, sum[t], lanes);
  }
}

// One group, columns panel after panel, 16 tokens at a time. Tokens beyond the last are read (Int8Tokens are
// padded) and thrown away.
template <DType kType>
inline void MatMulInt8Tiles(const MatMulJob& job, size_t g, std::byte* scratch) {
  using Panel = PanelOf<kType>;
  constexpr size_t kBlocks = kPanelColumns / 32;
  const size_t nb = job.n_cols / 32;
  const std::byte* bytes = job.groups + g * job.group_bytes;
  const PackedGroup<kType> group(bytes, job.n_cols);
  for (size_t block = 0; block < nb; block += kBlocks) {
    const size_t n = nb - block < kBlocks ? nb - block : kBlocks;
    const Panel panel = Unpack<kType, true>(group, bytes, block, n, scratch);
    for (size_t token = 0; token < job.n_tokens; token += kTileRows) {
      const size_t n_tokens = job.n_tokens - token < kTileRows ? job.n_tokens - token : kTileRows;
      TileTokens16<Panel>(panel, TokensFrom(job, token, block, Panel::kTwo), n, block > 0,
                          job.y + token * job.y_stride + g * 16, job.y_stride, LanesOf(job, g), n_tokens);
    }
  }
}

template <DType kType>
inline void MatMulInt8WithTiles(const MatMulJob& job, size_t first, size_t last, std::byte* scratch) {
  TileConfig config;
  const size_t k = HasTwoScales(kType) ? 16 : 32;
  config.Set(0, kTileRows, 64);
  config.Set(1, kTileRows, k);
  config.Set(2, k / 4, 64);
  const TileScope scope(config);
  for (size_t g = first; g < last; ++g) MatMulInt8Tiles<kType>(job, g, scratch);
}

}  // namespace
}  // namespace sotto
