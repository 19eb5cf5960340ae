// Int8 products of batches with AMX tiles. Included by matmul_kernels.h on the AMX level.
#pragma once

#include "nn/tiles_amx.h"

namespace sotto {
namespace {

// c[token][row] = products of one block (half a block for types with two scales). There are two sets of
// tiles, so that neighbouring blocks do not wait for each other: 0 and 3 sums, 1 and 4 tokens, 2 and 5
// weights.
template <bool kTwo, int kSet>
[[gnu::always_inline]] inline void TileBlock(const int8_t* q, size_t n_cols, const uint8_t* weights,
                                             size_t half_block, int32_t* c) {
  q += half_block * (kTwo ? 16 : 32);
  weights += half_block * (kTwo ? 256 : 512);
  if constexpr (kSet == 0) {
    SOTTO_TILE_ZERO(0);
    SOTTO_TILE_LOAD(1, q, n_cols);
    SOTTO_TILE_LOAD(2, weights, size_t{64});
    SOTTO_TILE_DOT_INT8(0, 1, 2);
    SOTTO_TILE_STORE(0, c, size_t{64});
  } else {
    SOTTO_TILE_ZERO(3);
    SOTTO_TILE_LOAD(4, q, n_cols);
    SOTTO_TILE_LOAD(5, weights, size_t{64});
    SOTTO_TILE_DOT_INT8(3, 4, 5);
    SOTTO_TILE_STORE(3, c, size_t{64});
  }
}

// Scales the products of a (half) block and adds them to the sums of 16 tokens: the operations of Int8Tile in
// its order.
template <class Group>
[[gnu::always_inline]] inline void AddProducts(const Group& group, const float* d, const float* dsum,
                                               size_t d_stride, size_t half_block, const int32_t* c,
                                               VF (&sum)[kTileRows]) {
  constexpr size_t kHalves = Group::kTwo ? 2 : 1;
  const size_t b = half_block / kHalves;
  const VF scale = group.Scale(b, half_block % kHalves);
#pragma GCC unroll 16
  for (size_t t = 0; t < kTileRows; ++t) {
    const VF products = ToFloat(_mm512_load_si512(c + t * 16));
    sum[t] = Fma(products, Mul(scale, Set(d[t * d_stride + b])), sum[t]);
  }
  if constexpr (Group::kMin) {
    const VF min = group.Min(b);
#pragma GCC unroll 16
    for (size_t t = 0; t < kTileRows; ++t) sum[t] = Fnma(min, Set(dsum[t * d_stride + b]), sum[t]);
  }
}

// As Int8Tile for one group and 16 tokens, of which the first n_tokens are stored.
template <class Group>
inline void TileTokens16(const Group group, const TileTokens x, size_t n_blocks, bool add, float* y,
                         size_t y_stride, size_t lanes, size_t n_tokens) {
  constexpr size_t kHalves = Group::kTwo ? 2 : 1;
  constexpr bool kTwo = Group::kTwo;
  const size_t n = n_blocks * kHalves;
  const size_t d_stride = x.n_cols / 32;
  alignas(64) int32_t c[4][kTileRows * 16];
  TileBlock<kTwo, 0>(x.q, x.n_cols, group.quants, 0, c[0]);
  if (n > 1) TileBlock<kTwo, 1>(x.q, x.n_cols, group.quants, 1, c[1]);
  const __mmask16 mask = FirstLanes(lanes);
  VF sum[kTileRows];
#pragma GCC unroll 16
  for (size_t t = 0; t < kTileRows; ++t) {
    const __mmask16 from = add && t < n_tokens ? mask : __mmask16{0};
    sum[t] = _mm512_maskz_loadu_ps(from, y + t * y_stride);
  }
  // The tiles of the blocks after next run while a block's sums are scaled.
  for (size_t h = 0; h < n; h += 2) {
    const size_t buffer = h % 4;
    if (h % (2 * kHalves) == 0) {
      x.ahead.Fetch(h / kHalves);
      x.ahead.Fetch(h / kHalves + 1);
    }
    if (h + 2 < n) TileBlock<kTwo, 0>(x.q, x.n_cols, group.quants, h + 2, c[2 - buffer]);
    AddProducts(group, x.d, x.dsum, d_stride, h, c[buffer], sum);
    if (h + 3 < n) TileBlock<kTwo, 1>(x.q, x.n_cols, group.quants, h + 3, c[3 - buffer]);
    if (h + 1 < n) AddProducts(group, x.d, x.dsum, d_stride, h + 1, c[buffer + 1], sum);
  }
#pragma GCC unroll 16
  for (size_t t = 0; t < kTileRows; ++t) {
    const __mmask16 to = t < n_tokens ? mask : __mmask16{0};
    _mm512_mask_storeu_ps(y + t * y_stride, to, sum[t]);
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
  AheadOfGroups ahead(job, g, 1, kTileRows);
  for (size_t block = 0; block < nb; block += kBlocks) {
    const size_t n = nb - block < kBlocks ? nb - block : kBlocks;
    const Panel panel = Unpack<kType, true>(group, bytes, block, n, scratch);
    for (size_t token = 0; token < job.n_tokens; token += kTileRows) {
      const size_t n_tokens = job.n_tokens - token < kTileRows ? job.n_tokens - token : kTileRows;
      TileTokens x = TokensFrom(job, token, block, Panel::kTwo);
      x.ahead = ahead.ForTile(n);
      TileTokens16<Panel>(panel, x, n, block > 0, job.y + token * job.y_stride + g * 16, job.y_stride,
                          LanesOf(job, g), n_tokens);
    }
  }
}

template <DType kType>
inline void MatMulInt8WithTiles(const MatMulJob& job, size_t first, size_t last, std::byte* scratch) {
  TileConfig config;
  const size_t k = HasTwoScales(kType) ? 16 : 32;
  for (int set = 0; set < 6; set += 3) {
    config.Set(set, kTileRows, 64);
    config.Set(set + 1, kTileRows, k);
    config.Set(set + 2, k / 4, 64);
  }
  const TileScope scope(config);
  for (size_t g = first; g < last; ++g) MatMulInt8Tiles<kType>(job, g, scratch);
}

}  // namespace
}  // namespace sotto
