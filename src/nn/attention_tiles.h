// Scores and weighted values of BF16 pages with AMX tiles, 16 rows at a time. Included by attention_kernels.h
// on the AMX level. Tiles: 0-3 sums, 4 rows and 5 page for 32 columns, 6 and 7 the same for a last 16.
#pragma once

#include "nn/tiles_amx.h"

namespace sotto {
namespace {

inline TileConfig AttentionTiles() {
  TileConfig config;
  for (int tile = 0; tile < 4; ++tile) config.Set(tile, kTileRows, 64);
  config.Set(4, kTileRows, 64);
  config.Set(5, 16, 64);
  config.Set(6, kTileRows, 32);
  config.Set(7, 8, 64);
  return config;
}

// One step of ScoreTiles: columns of the rows in tile `a` against up to four groups of 16 positions through
// tile `b`.
#define SOTTO_SCORE_STEP(a, b)                             \
  do {                                                     \
    const std::byte* k = keys + i * 32;                    \
    SOTTO_TILE_LOAD(a, q + i * 2, row_bytes);              \
    SOTTO_TILE_LOAD(b, k, size_t{64});                     \
    SOTTO_TILE_DOT_BF16(0, a, b);                          \
    if (n_seen > 16) {                                     \
      SOTTO_TILE_LOAD(b, k + group_bytes, size_t{64});     \
      SOTTO_TILE_DOT_BF16(1, a, b);                        \
    }                                                      \
    if (n_seen > 32) {                                     \
      SOTTO_TILE_LOAD(b, k + 2 * group_bytes, size_t{64}); \
      SOTTO_TILE_DOT_BF16(2, a, b);                        \
      SOTTO_TILE_LOAD(b, k + 3 * group_bytes, size_t{64}); \
      SOTTO_TILE_DOT_BF16(3, a, b);                        \
    }                                                      \
  } while (false)

// scores[16][64] of the rows from `queries` on (packed BF16, rows hd floats apart) and at least the first
// n_seen positions.
inline void ScoreTiles(const float* queries, size_t hd, const std::byte* keys, size_t n_seen, float* scores) {
  const size_t row_bytes = hd * 4;
  const size_t group_bytes = hd * 32;
  const auto* q = reinterpret_cast<const std::byte*>(queries);
  SOTTO_TILE_ZERO(0);
  SOTTO_TILE_ZERO(1);
  SOTTO_TILE_ZERO(2);
  SOTTO_TILE_ZERO(3);
  size_t i = 0;
  for (; i + 32 <= hd; i += 32) SOTTO_SCORE_STEP(4, 5);
  if (i < hd) SOTTO_SCORE_STEP(6, 7);
  constexpr size_t kStride = KvPageLayout::kPositions * sizeof(float);
  SOTTO_TILE_STORE(0, scores, kStride);
  SOTTO_TILE_STORE(1, scores + 16, kStride);
  SOTTO_TILE_STORE(2, scores + 32, kStride);
  SOTTO_TILE_STORE(3, scores + 48, kStride);
}

// sums[16][hd] += weights[16][64] (packed BF16, rows 64 floats apart) x values.
inline void ValueTiles(const float* weights, size_t hd, const std::byte* values, size_t n_seen, float* sums) {
  constexpr size_t kStride = KvPageLayout::kPositions * sizeof(float);
  const size_t row_bytes = hd * 4;
  const auto* w = reinterpret_cast<const std::byte*>(weights);
  for (size_t column = 0; column < hd; column += 16) {
    const std::byte* v = values + column * 4;
    SOTTO_TILE_LOAD(0, sums + column, row_bytes);
    SOTTO_TILE_LOAD(4, w, kStride);
    SOTTO_TILE_LOAD(5, v, row_bytes);
    SOTTO_TILE_DOT_BF16(0, 4, 5);
    if (n_seen > 32) {
      SOTTO_TILE_LOAD(4, w + 64, kStride);
      SOTTO_TILE_LOAD(5, v + 16 * row_bytes, row_bytes);
      SOTTO_TILE_DOT_BF16(0, 4, 5);
    }
    SOTTO_TILE_STORE(0, sums + column, row_bytes);
  }
}

}  // namespace
}  // namespace sotto
