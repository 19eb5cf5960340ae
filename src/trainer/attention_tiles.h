// Causal attention of packed BF16 sequences on AMX tiles; kernels.h says what it computes. Blocks of 32
// queries by 32 keys; probabilities and their gradients are rounded to BF16 between products, sums are float.
// Included by kernels.cc on the AMX level.
//
// Every operand is kept as whole tiles of 16 rows of 64 bytes. The left operand of a product holds rows of 32
// BF16; the right one holds pairs: row p has the values of inner index 2p and 2p+1 of 16 columns side by
// side. Gradients of keys and values are summed transposed ([dim][key]), so that probabilities are a right
// operand.
#pragma once

#include <immintrin.h>

#include <cmath>
#include <span>
#include <vector>

#include "nn/tiles_amx.h"
#include "trainer/head_norm.h"

namespace sotto::SOTTO_ISA {
namespace {

constexpr int kBlock = 32;  // queries and keys of a block

struct alignas(64) Tile {
  uint32_t rows[16][16];
  float* row(int r) { return reinterpret_cast<float*>(rows[r]); }
};

// Sets the tiles up while in scope; oneDNN finds its own setting again afterwards.
class AttentionTileScope {
 public:
  AttentionTileScope() {
    asm volatile("sttilecfg %0" : "=m"(before_));
    TileConfig config;
    for (int tile = 0; tile < 8; ++tile) config.Set(tile, kTileRows, 64);
    asm volatile("ldtilecfg %0" : : "m"(config));
  }
  ~AttentionTileScope() { asm volatile("ldtilecfg %0" : : "m"(before_)); }
  AttentionTileScope(const AttentionTileScope&) = delete;
  AttentionTileScope& operator=(const AttentionTileScope&) = delete;

 private:
  TileConfig before_;
};

// Of one key/value head of one sequence, and of one block of queries. Grows and is kept.
struct TileScratch {
  std::vector<Tile> kt, k, vt, v;     // right operands: [key / 16][dim / 32], [key / 32][dim / 16]
  std::vector<Tile> dk, dv;           // float sums [key / 16][dim / 16] of [16 dims][16 keys]
  std::vector<Tile> scores;           // float [2][key / 16]
  std::vector<Tile> p, ds;            // right operands [key / 16], inner index: queries
  std::vector<Tile> p_rows, ds_rows;  // left operands [2][key / 32]
  std::vector<float> k_scale;

  void Reserve(int n_blocks, int dim) {
    const auto n = static_cast<size_t>(n_blocks);
    const auto whole = n * 2 * static_cast<size_t>(dim / 32);
    for (auto* m : {&kt, &k, &vt, &v}) Grow(*m, whole);
    for (auto* m : {&dk, &dv}) Grow(*m, whole * 2);
    Grow(scores, n * 4);
    for (auto* m : {&p, &ds, &p_rows, &ds_rows}) Grow(*m, n * 2);
    Grow(k_scale, n * kBlock);
  }
  template <typename V>
  static void Grow(V& v, size_t n) {
    if (v.size() < n) v.resize(n);
  }
};

// out[c][r] = in[r][c] of 32-bit values; rows of `in` are `stride` values apart.
SOTTO_INLINE void Transpose16(const uint32_t* in, int stride, Tile& out) {
  __m512i a[16];
  __m512i b[16];
  for (int i = 0; i < 16; ++i) a[i] = _mm512_loadu_si512(in + i * stride);
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
    a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
    a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
    a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    b[i] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0x88);
    b[i + 4] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0xdd);
    b[i + 8] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0x88);
    b[i + 12] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    _mm512_store_si512(out.rows[i], _mm512_shuffle_i32x4(b[i], b[i + 8], 0x88));
    _mm512_store_si512(out.rows[i + 4], _mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0x88));
    _mm512_store_si512(out.rows[i + 8], _mm512_shuffle_i32x4(b[i], b[i + 8], 0xdd));
    _mm512_store_si512(out.rows[i + 12], _mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0xdd));
  }
}

// 32 rows of one head: left operands at stride D, right operands made from them.
template <int D>
struct alignas(64) HeadRows {
  Bf16 values[kBlock * D] = {};
  const uint32_t* pairs() const { return reinterpret_cast<const uint32_t*>(values); }
  const Bf16* tile(int half, int column) const { return values + half * 16 * D + column; }

  // Inner index: the dims. to[half][dim / 32].
  void ToColumns(Tile* to) const {
    for (int half = 0; half < 2; ++half) {
      for (int i = 0; i < D / 32; ++i) Transpose16(pairs() + half * 16 * (D / 2) + i * 16, D / 2, *to++);
    }
  }
  // Inner index: the rows. to[dim / 16].
  void ToPairs(Tile* to) const {
    for (int i = 0; i < D / 16; ++i, ++to) {
      for (int r = 0; r < 16; ++r) {
        const auto wide = [&](int row) {
          const void* from = values + row * D + i * 16;
          return _mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(from)));
        };
        const __m512i pair = _mm512_or_si512(wide(2 * r), _mm512_slli_epi32(wide(2 * r + 1), 16));
        _mm512_store_si512(to->rows[r], pair);
      }
    }
  }
  // The transpose as a left operand: to[dim / 16] of [16 dims][32 rows].
  void ToTransposed(Tile* to) const {
    for (int i = 0; i < D / 32; ++i) {
      Tile low, high;
      Transpose16(pairs() + i * 16, D / 2, low);
      Transpose16(pairs() + 16 * (D / 2) + i * 16, D / 2, high);
      for (int pair = 0; pair < 16; ++pair) {
        const __m512i a = _mm512_load_si512(low.rows[pair]);
        const __m512i b = _mm512_load_si512(high.rows[pair]);
        const auto join = [](__m512i x, __m512i y) {
          return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(x)),
                                    _mm512_cvtepi32_epi16(y), 1);
        };
        Tile& tile = to[i * 2 + pair / 8];
        _mm512_store_si512(tile.rows[pair % 8 * 2], join(a, b));
        _mm512_store_si512(tile.rows[pair % 8 * 2 + 1],
                           join(_mm512_srli_epi32(a, 16), _mm512_srli_epi32(b, 16)));
      }
    }
  }
};

// Two float vectors as one row of 32 BF16.
SOTTO_INLINE void StoreRow(uint32_t* to, Vec low, Vec high) {
  const auto row = _mm512_cvtne2ps_pbh(reinterpret_cast<__m512>(high), reinterpret_cast<__m512>(low));
  std::memcpy(to, &row, sizeof row);
}
// Values of two rows as pairs of BF16.
SOTTO_INLINE void StorePairs(uint32_t* to, Vec even, Vec odd) {
  const auto half = [](Vec v) {
    const auto h = _mm512_cvtneps_pbh(reinterpret_cast<__m512>(v));
    __m256i bits;
    std::memcpy(&bits, &h, sizeof bits);
    return _mm512_cvtepu16_epi32(bits);
  };
  _mm512_store_si512(to, _mm512_or_si512(half(even), _mm512_slli_epi32(half(odd), 16)));
}
SOTTO_INLINE Vec Where(__mmask16 mask, Vec v) {
  return reinterpret_cast<Vec>(_mm512_maskz_mov_ps(mask, reinterpret_cast<__m512>(v)));
}

// Which of the 16 keys from `first` on a query may see.
SOTTO_INLINE __mmask16 Visible(int query, int first) {
  if (query >= first + 15) return 0xffff;
  return query < first ? __mmask16{0} : static_cast<__mmask16>((2u << (query - first)) - 1);
}

// Tiles 0-3 are the sums of [2][2] products: of the left operands in tiles 4 and 5 by the right ones in 6
// and 7.
SOTTO_INLINE void ZeroSums() {
  SOTTO_TILE_ZERO(0);
  SOTTO_TILE_ZERO(1);
  SOTTO_TILE_ZERO(2);
  SOTTO_TILE_ZERO(3);
}
SOTTO_INLINE void AddProducts() {
  SOTTO_TILE_DOT_BF16(0, 4, 6);
  SOTTO_TILE_DOT_BF16(1, 4, 7);
  SOTTO_TILE_DOT_BF16(2, 5, 6);
  SOTTO_TILE_DOT_BF16(3, 5, 7);
}
// The sum of left operand i and right operand j goes to to[i * left + j * right].
SOTTO_INLINE void StoreSums(Tile* to, int right, int left) {
  SOTTO_TILE_STORE(0, to, size_t{64});
  SOTTO_TILE_STORE(1, to + right, size_t{64});
  SOTTO_TILE_STORE(2, to + left, size_t{64});
  SOTTO_TILE_STORE(3, to + left + right, size_t{64});
}

// Tiles 0-3 = [2][2] of `rows` x the columns of two tiles of keys, whose right operands start at `keys`.
template <int D>
SOTTO_INLINE void TileScores(const HeadRows<D>& rows, const Tile* keys) {
  ZeroSums();
  constexpr size_t kStride = D * sizeof(Bf16);
  for (int i = 0; i < D / 32; ++i) {
    SOTTO_TILE_LOAD(4, rows.tile(0, i * 32), kStride);
    SOTTO_TILE_LOAD(5, rows.tile(1, i * 32), kStride);
    SOTTO_TILE_LOAD(6, keys + i, size_t{64});
    SOTTO_TILE_LOAD(7, keys + D / 32 + i, size_t{64});
    AddProducts();
  }
}

// sums[2][dim / 16] = rows[2][n] x values[n][dim / 16].
template <int D>
SOTTO_INLINE void TileValues(const Tile* rows, int row_pitch, const Tile* values, int n, Tile* sums) {
  for (int c = 0; c < D / 16; c += 2) {
    ZeroSums();
    for (int j = 0; j < n; ++j) {
      SOTTO_TILE_LOAD(4, rows + j, size_t{64});
      SOTTO_TILE_LOAD(5, rows + row_pitch + j, size_t{64});
      SOTTO_TILE_LOAD(6, values + j * (D / 16) + c, size_t{64});
      SOTTO_TILE_LOAD(7, values + j * (D / 16) + c + 1, size_t{64});
      AddProducts();
    }
    StoreSums(sums + c, 1, D / 16);
  }
}

// sums[2 tiles of keys][dim / 16] += transposed[dim / 16] x weights[2].
template <int D>
SOTTO_INLINE void TileScatter(const Tile* transposed, const Tile* weights, Tile* sums) {
  SOTTO_TILE_LOAD(6, weights, size_t{64});
  SOTTO_TILE_LOAD(7, weights + 1, size_t{64});
  for (int c = 0; c < D / 16; c += 2) {
    SOTTO_TILE_LOAD(0, sums + c, size_t{64});
    SOTTO_TILE_LOAD(1, sums + D / 16 + c, size_t{64});
    SOTTO_TILE_LOAD(2, sums + c + 1, size_t{64});
    SOTTO_TILE_LOAD(3, sums + D / 16 + c + 1, size_t{64});
    SOTTO_TILE_LOAD(4, transposed + c, size_t{64});
    SOTTO_TILE_LOAD(5, transposed + c + 1, size_t{64});
    AddProducts();
    StoreSums(sums + c, D / 16, 1);
  }
}

// One sequence of one call, and where its block of queries stands.
template <int D>
class TileAttention {
 public:
  TileAttention(const AttentionShape& shape, const Bf16* qkv, int length, TileScratch& scratch)
      : shape_(shape),
        qkv_(qkv),
        length_(length),
        n_blocks_((length + kBlock - 1) / kBlock),
        per_group_(shape.n_heads / shape.n_kv_heads),
        scale_(1.0f / std::sqrt(static_cast<float>(D))),
        s_(scratch) {
    s_.Reserve(n_blocks_, D);
  }

  void Forward(Bf16* out, float* lse) {
    for (int head = 0; head < shape_.n_heads; ++head) {
      if (head % per_group_ == 0) LoadGroup(head / per_group_, /*backward=*/false);
      for (int block = 0; block < n_blocks_; ++block) ForwardBlock(head, block, out, lse);
    }
  }

  void Backward(const Bf16* out, const float* lse, const Bf16* d_out, Bf16* d_qkv, float* d_q_gain,
                float* d_k_gain) {
    for (int group = 0; group < shape_.n_kv_heads; ++group) {
      LoadGroup(group, /*backward=*/true);
      const auto used = static_cast<ptrdiff_t>(n_blocks_) * 2 * (D / 16);
      std::fill(s_.dk.begin(), s_.dk.begin() + used, Tile{});
      std::fill(s_.dv.begin(), s_.dv.begin() + used, Tile{});
      for (int head = group * per_group_; head < (group + 1) * per_group_; ++head) {
        for (int block = 0; block < n_blocks_; ++block) {
          BackwardBlock(head, block, out, lse, d_out, d_qkv, d_q_gain);
        }
      }
      StoreGroup(group, d_qkv, d_k_gain);
    }
  }

 private:
  const Bf16* Row(int i, int head) const {
    return qkv_ + static_cast<int64_t>(i) * shape_.row_size() + head * D;
  }
  const float* Cosines(int i) const { return shape_.cosines + i * (D / 2); }
  const float* Sines(int i) const { return shape_.sines + i * (D / 2); }

  void LoadGroup(int group, bool backward) {
    const int key_head = shape_.n_heads + group;
    for (int block = 0; block < n_blocks_; ++block) {
      HeadRows<D> k, v;
      const int first = block * kBlock;
      for (int r = 0; r < kBlock && first + r < length_; ++r) {
        const int i = first + r;
        s_.k_scale[static_cast<size_t>(i)] =
            NormRope<D>(Row(i, key_head), shape_.k_gain, Cosines(i), Sines(i), shape_.eps, k.values + r * D);
        std::memcpy(v.values + r * D, Row(i, key_head + shape_.n_kv_heads), D * sizeof(Bf16));
      }
      const auto at = static_cast<size_t>(block) * 2 * (D / 32);
      k.ToColumns(&s_.kt[at]);
      if (backward) {
        k.ToPairs(&s_.k[at]);
        v.ToColumns(&s_.vt[at]);
      } else {
        v.ToPairs(&s_.v[at]);
      }
    }
  }

  // Turns the queries of a block; returns how many there are.
  int LoadQueries(int head, int first, HeadRows<D>& q, float* scales) const {
    const int rows = std::min(kBlock, length_ - first);
    for (int r = 0; r < rows; ++r) {
      const int i = first + r;
      Ahead(Row(i, head), D);  // the next head's
      scales[r] =
          NormRope<D>(Row(i, head), shape_.q_gain, Cosines(i), Sines(i), shape_.eps, q.values + r * D);
    }
    return rows;
  }

  void ForwardBlock(int head, int block, Bf16* out, float* lse) {
    const int first = block * kBlock;
    const int n = block + 1;  // blocks of keys
    HeadRows<D> q;
    float scales[kBlock];
    const int rows = LoadQueries(head, first, q, scales);
    Tile* scores = s_.scores.data();
    for (int j = 0; j < n; ++j) {
      TileScores<D>(q, &s_.kt[static_cast<size_t>(j) * 2 * (D / 32)]);
      StoreSums(scores + 2 * j, 1, 2 * n);
    }
    float inverse[kBlock];
    for (int r = 0; r < kBlock; ++r) {
      inverse[r] = 0;
      if (r < rows)
        inverse[r] = Softmax(r, first + r, n, lse[static_cast<int64_t>(first + r) * shape_.n_heads + head]);
    }
    Tile o[2 * (D / 16)];
    TileValues<D>(s_.p_rows.data(), n, s_.v.data(), n, o);
    for (int r = 0; r < rows; ++r) {
      Bf16* to = out + (static_cast<int64_t>(first + r) * shape_.n_heads + head) * D;
      for (int c = 0; c < D / 16; ++c) {
        Store(to + c * 16, Load(o[(r / 16) * (D / 16) + c].row(r % 16)) * inverse[r]);
      }
    }
  }

  // Row r of the scores becomes row r of p_rows, not yet divided by its sum. Returns 1 / sum.
  SOTTO_INLINE float Softmax(int r, int query, int n, float& lse) {
    Tile* scores = s_.scores.data() + (r / 16) * 2 * n;
    Tile* p = s_.p_rows.data() + (r / 16) * n;
    const __m512 nothing = _mm512_set1_ps(-1e30f);
    Vec best = Splat(-1e30f);
    for (int j = 0; j < 2 * n; ++j) {
      const auto v = reinterpret_cast<__m512>(Load(scores[j].row(r % 16)));
      best = Max(best, reinterpret_cast<Vec>(_mm512_mask_mov_ps(nothing, Visible(query, j * 16), v)));
    }
    const float top = MaxOf(best) * scale_;
    Vec sum{};
    for (int j = 0; j < n; ++j) {
      Vec e[2];
      for (int half = 0; half < 2; ++half) {
        const int at = 2 * j + half;
        e[half] = Where(Visible(query, at * 16), Exp(Load(scores[at].row(r % 16)) * scale_ - top));
        sum += e[half];
      }
      StoreRow(p[j].rows[r % 16], e[0], e[1]);
    }
    const float total = Sum(sum);
    lse = top + std::log(total);
    return 1.0f / total;
  }

  void BackwardBlock(int head, int block, const Bf16* out, const float* lse, const Bf16* d_out, Bf16* d_qkv,
                     float* d_q_gain) {
    const int first = block * kBlock;
    const int n = block + 1;
    HeadRows<D> q, d_o;
    float scales[kBlock];
    float row_lse[kBlock];
    float delta[kBlock] = {};
    std::fill(row_lse, row_lse + kBlock, 1e30f);  // rows that are not there have no probabilities
    const int rows = LoadQueries(head, first, q, scales);
    for (int r = 0; r < rows; ++r) {
      const int64_t at = static_cast<int64_t>(first + r) * shape_.n_heads + head;
      Ahead(d_out + at * D, D);
      Ahead(out + at * D, D);
      Vec dot{};
      for (int c = 0; c < D; c += kWidth) dot += Load(d_out + at * D + c) * Load(out + at * D + c);
      std::memcpy(d_o.values + r * D, d_out + at * D, D * sizeof(Bf16));
      delta[r] = Sum(dot);
      row_lse[r] = lse[at];
    }
    Tile q_t[D / 16], d_o_t[D / 16];
    q.ToTransposed(q_t);
    d_o.ToTransposed(d_o_t);
    for (int j = 0; j < n; ++j) {
      Tile scores[4], d_p[4];
      const auto at = static_cast<size_t>(j) * 2 * (D / 32);
      TileScores<D>(q, &s_.kt[at]);
      StoreSums(scores, 1, 2);
      TileScores<D>(d_o, &s_.vt[at]);
      StoreSums(d_p, 1, 2);
      Tile p[2], ds[2];
      for (int r = 0; r < kBlock; r += 2) {
        Vec ps[2][2], dss[2][2];
        for (int row = 0; row < 2; ++row) {
          const int query = r + row;
          for (int half = 0; half < 2; ++half) {
            const int tile = (query / 16) * 2 + half;
            const Vec e = Exp(Load(scores[tile].row(query % 16)) * scale_ - row_lse[query]);
            const Vec seen = j == block ? Where(Visible(query, half * 16), e) : e;
            ps[row][half] = seen;
            dss[row][half] = seen * (Load(d_p[tile].row(query % 16)) - delta[query]) * scale_;
          }
          StoreRow(s_.ds_rows[static_cast<size_t>((query / 16) * n + j)].rows[query % 16], dss[row][0],
                   dss[row][1]);
        }
        for (int half = 0; half < 2; ++half) {
          StorePairs(p[half].rows[r / 2], ps[0][half], ps[1][half]);
          StorePairs(ds[half].rows[r / 2], dss[0][half], dss[1][half]);
        }
      }
      const auto sums = static_cast<size_t>(j) * 2 * (D / 16);
      TileScatter<D>(q_t, ds, &s_.dk[sums]);
      TileScatter<D>(d_o_t, p, &s_.dv[sums]);
    }
    Tile dq[2 * (D / 16)];
    TileValues<D>(s_.ds_rows.data(), n, s_.k.data(), n, dq);
    for (int r = 0; r < rows; ++r) {
      const int i = first + r;
      float row[D];
      for (int c = 0; c < D / 16; ++c) Store(row + c * 16, Load(dq[(r / 16) * (D / 16) + c].row(r % 16)));
      Bf16* to = d_qkv + static_cast<int64_t>(i) * shape_.row_size() + head * D;
      NormRopeBackward<D>(Row(i, head), shape_.q_gain, Cosines(i), Sines(i), scales[r], row, to, d_q_gain);
    }
  }

  void StoreGroup(int group, Bf16* d_qkv, float* d_k_gain) {
    const int key_head = shape_.n_heads + group;
    for (int first = 0; first < length_; first += 16) {
      alignas(64) float dk[16 * D];
      alignas(64) float dv[16 * D];
      for (int c = 0; c < D / 16; ++c) {
        const auto at = static_cast<size_t>(first / 16 * (D / 16) + c);
        Tile turned;
        Transpose16(s_.dk[at].rows[0], 16, turned);
        for (int r = 0; r < 16; ++r) Store(dk + r * D + c * 16, Load(turned.row(r)));
        Transpose16(s_.dv[at].rows[0], 16, turned);
        for (int r = 0; r < 16; ++r) Store(dv + r * D + c * 16, Load(turned.row(r)));
      }
      for (int r = 0; r < 16 && first + r < length_; ++r) {
        const int i = first + r;
        Bf16* to = d_qkv + static_cast<int64_t>(i) * shape_.row_size() + key_head * D;
        NormRopeBackward<D>(Row(i, key_head), shape_.k_gain, Cosines(i), Sines(i),
                            s_.k_scale[static_cast<size_t>(i)], dk + r * D, to, d_k_gain);
        for (int c = 0; c < D; c += kWidth) Store(to + shape_.n_kv_heads * D + c, Load(dv + r * D + c));
      }
    }
  }

  const AttentionShape& shape_;
  const Bf16* qkv_;
  int length_;
  int n_blocks_;
  int per_group_;
  float scale_;
  TileScratch& s_;
};

template <typename Do>
void ForEachSequence(const AttentionShape& shape, std::span<const int> starts, const Bf16* qkv, Do&& work) {
  thread_local TileScratch scratch;
  const AttentionTileScope tiles;
  for (size_t i = 0; i + 1 < starts.size(); ++i) {
    const int64_t at = starts[i];
    const int length = starts[i + 1] - starts[i];
    const Bf16* from = qkv + at * shape.row_size();
    WithHeadDim(shape, [&](auto dim) { work(at, TileAttention<dim()>(shape, from, length, scratch)); });
  }
}

void AttentionOnTiles(const AttentionShape& shape, std::span<const int> starts, const Bf16* qkv, Bf16* out,
                      float* lse) {
  const int width = shape.n_heads * shape.head_dim;
  ForEachSequence(shape, starts, qkv, [&](int64_t at, auto attention) {
    attention.Forward(out + at * width, lse + at * shape.n_heads);
  });
}

void AttentionOnTilesBackward(const AttentionShape& shape, std::span<const int> starts, const Bf16* qkv,
                              const Bf16* out, const float* lse, const Bf16* d_out, Bf16* d_qkv,
                              float* d_q_gain, float* d_k_gain) {
  const int width = shape.n_heads * shape.head_dim;
  ForEachSequence(shape, starts, qkv, [&](int64_t at, auto attention) {
    attention.Backward(out + at * width, lse + at * shape.n_heads, d_out + at * width,
                       d_qkv + at * shape.row_size(), d_q_gain, d_k_gain);
  });
}

}  // namespace
}  // namespace sotto::SOTTO_ISA
