// AMX tiles for batches: int8 products of 16 tokens x 16 rows, and BF16 attention of 16 rows at a time.
// Included by kernels_amx.cc after simd_avx512.h. Integer sums are exact, so the int8 products equal those of
// the vector kernels bit for bit; attention on BF16 pages always goes through tiles on this level, for one
// query as for many. Source: Intel Architecture Instruction Set Extensions, chapter on Intel AMX.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/simd_avx512.h"

namespace sotto {
namespace {

// The 64 bytes of LDTILECFG: shapes of the eight tiles.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  void Set(int tile, size_t n_rows, size_t n_bytes) {
    row_bytes[tile] = static_cast<uint16_t>(n_bytes);
    rows[tile] = static_cast<uint8_t>(n_rows);
  }
};

// Tiles are state of the thread: loaded while in scope, released after, so that context switches stay cheap.
class TileScope {
 public:
  explicit TileScope(const TileConfig& config) { asm volatile("ldtilecfg %0" : : "m"(config)); }
  ~TileScope() { asm volatile("tilerelease"); }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;
};

// Statements, not functions: the tile number is part of the instruction.
#define SOTTO_TILE_ZERO(tile) asm volatile("tilezero %%tmm" #tile : : :)
#define SOTTO_TILE_LOAD(tile, base, stride) \
  asm volatile("tileloadd (%0,%1,1), %%tmm" #tile : : "r"(base), "r"(stride) : "memory")
#define SOTTO_TILE_STORE(tile, base, stride) \
  asm volatile("tilestored %%tmm" #tile ", (%0,%1,1)" : : "r"(base), "r"(stride) : "memory")
// c += a * b: signed bytes; pairs of BF16.
#define SOTTO_TILE_DOT_INT8(c, a, b) asm volatile("tdpbssd %%tmm" #b ", %%tmm" #a ", %%tmm" #c : : :)
#define SOTTO_TILE_DOT_BF16(c, a, b) asm volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c : : :)

constexpr size_t kTileRows = 16;

}  // namespace
}  // namespace sotto
