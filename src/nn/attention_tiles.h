// Scores and weighted values of BF16 pages with AMX tiles, 16 rows at a time. Included by attention_kernels.h
// on the AMX level. Tiles: 0-3 sums, 4 rows (5: their second half), the others what the page holds.
#pragma once

#include "nn/tiles_amx.h"

namespace sotto {
namespace {

inline TileConfig AttentionTiles() {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) config.Set(tile, kTileRows, 64);
  return config;
}

// Makes packed BF16 rows of an odd number of 16 columns end with zeros, as steps of 32 columns need it.
// `row`: hd floats.
inline void PadForTiles(float* row, size_t hd) {
  for (size_t i = hd / 2; i < (hd + 31) / 32 * 16; ++i) row[i] = 0.0f;
}

// Fetches the 16 lines from `next` on, and steps over them; nothing from null. Spread between the tiles,
// because a burst waits for memory.
inline void FetchAhead(const std::byte*& next) {
  if (next == nullptr) return;
#pragma GCC unroll 16
  for (size_t line = 0; line < 16; ++line) PrefetchFar(next + line * 64);
  next += 16 * 64;
}

// scores[16][64] of the rows from `queries` on (packed and padded BF16, rows hd floats apart) and at least
// the first n_seen positions. Of an odd number of 16 columns the last step reads what follows the keys,
// against zeros.
inline void ScoreTiles(const float* queries, size_t hd, const std::byte* keys, size_t n_seen, float* scores,
                       const std::byte* next) {
  const size_t row_bytes = hd * 4;
  const size_t group_bytes = hd * 32;
  const auto* q = reinterpret_cast<const std::byte*>(queries);
  SOTTO_TILE_ZERO(0);
  SOTTO_TILE_ZERO(1);
  SOTTO_TILE_ZERO(2);
  SOTTO_TILE_ZERO(3);
  for (size_t i = 0; i < hd; i += 32) {
    const std::byte* k = keys + i * 32;
    SOTTO_TILE_LOAD(4, q + i * 2, row_bytes);
    SOTTO_TILE_LOAD(5, k, size_t{64});
    SOTTO_TILE_DOT_BF16(0, 4, 5);
    FetchAhead(next);
    if (n_seen > 16) {
      SOTTO_TILE_LOAD(6, k + group_bytes, size_t{64});
      SOTTO_TILE_DOT_BF16(1, 4, 6);
      FetchAhead(next);
    }
    if (n_seen > 32) {
      SOTTO_TILE_LOAD(7, k + 2 * group_bytes, size_t{64});
      SOTTO_TILE_DOT_BF16(2, 4, 7);
      FetchAhead(next);
      SOTTO_TILE_LOAD(5, k + 3 * group_bytes, size_t{64});
      SOTTO_TILE_DOT_BF16(3, 4, 5);
      FetchAhead(next);
    }
  }
  constexpr size_t kStride = KvPageLayout::kPositions * sizeof(float);
  SOTTO_TILE_STORE(0, scores, kStride);
  SOTTO_TILE_STORE(1, scores + 16, kStride);
  SOTTO_TILE_STORE(2, scores + 32, kStride);
  SOTTO_TILE_STORE(3, scores + 48, kStride);
}

// 16 columns of ValueTiles: sums through tile `sum`, values through tile `v`, weights in tiles 4 and 5.
#define SOTTO_VALUE_STEP(sum, v, column)                    \
  do {                                                      \
    const std::byte* from = values + (column)*4;            \
    SOTTO_TILE_LOAD(sum, sums + (column), row_bytes);       \
    SOTTO_TILE_LOAD(v, from, row_bytes);                    \
    SOTTO_TILE_DOT_BF16(sum, 4, v);                         \
    FetchAhead(next);                                       \
    if (n_seen > 32) {                                      \
      SOTTO_TILE_LOAD(v, from + 16 * row_bytes, row_bytes); \
      SOTTO_TILE_DOT_BF16(sum, 5, v);                       \
      FetchAhead(next);                                     \
    }                                                       \
  } while (false)

// sums[16][hd] += weights[16][64] (packed BF16, rows 64 floats apart) x values. Fetches from
// `next` as ScoreTiles does.
inline void ValueTiles(const float* weights, size_t hd, const std::byte* values, size_t n_seen, float* sums,
                       const std::byte* next) {
  constexpr size_t kStride = KvPageLayout::kPositions * sizeof(float);
  const size_t row_bytes = hd * 4;
  const auto* w = reinterpret_cast<const std::byte*>(weights);
  SOTTO_TILE_LOAD(4, w, kStride);
  SOTTO_TILE_LOAD(5, w + 64, kStride);
  size_t column = 0;
  for (; column + 32 <= hd; column += 32) {
    SOTTO_VALUE_STEP(0, 6, column);
    SOTTO_VALUE_STEP(1, 7, column + 16);
    SOTTO_TILE_STORE(0, sums + column, row_bytes);
    SOTTO_TILE_STORE(1, sums + column + 16, row_bytes);
  }
  if (column < hd) {
    SOTTO_VALUE_STEP(2, 6, column);
    SOTTO_TILE_STORE(2, sums + column, row_bytes);
  }
}

#undef SOTTO_VALUE_STEP

}  // namespace
}  // namespace sotto
