// Attention over paged keys and values (layout: kv_page.h), one kv head and a few queries of one sequence at
// a time.
//
// The positions are walked page after page from 0 with the online softmax of FlashAttention (Dao et al.
// 2022): a query's result depends on its own position and the pages only, never on which queries share the
// tile, because a page that a query does not see leaves its state untouched. A "row" is one query head of one
// query. Included once by a kernels_<isa>.cc.
#pragma once

#include "nn/half.h"
#include "nn/kernel_table.h"
#include "nn/vector_kernels.h"
#ifdef SOTTO_TILES
#include "nn/attention_tiles.h"
#endif

namespace sotto {
namespace {

constexpr size_t kPage = KvPageLayout::kPositions;

struct AttentionScratch {
  float* queries;  // [rows][hd]; BF16: packed pairs [rows][hd / 2] of u32
  float* scores;   // [rows][kPage], then probabilities (BF16: pairs [rows][kPage / 2])
  float* sums;     // [rows][hd] weighted values so far
  float* max;      // [rows]
  float* total;    // [rows][16] sums of probabilities, lane for lane
  float* rescale;  // [rows] of this page
  size_t n_seen;   // positions of this page that any row sees, counted from its first
};

inline AttentionScratch SplitScratch(std::byte* scratch, size_t n_rows, size_t hd) {
  n_rows = (n_rows + 15) / 16 * 16;  // tiles of 16 rows may read beyond the last
  auto* p = reinterpret_cast<float*>(scratch);
  AttentionScratch s{};
  s.queries = p;
  s.scores = s.queries + n_rows * hd;
  s.sums = s.scores + n_rows * kPage;
  s.max = s.sums + n_rows * hd;
  s.total = s.max + n_rows;
  s.rescale = s.total + n_rows * 16;
  return s;
}

// Rounds n floats (a multiple of 16) to BF16 in place: value i at 16-bit slot i.
inline void PackBf16(float* values, size_t n) {
  for (size_t i = 0; i < n; i += 16) StoreBf16(reinterpret_cast<uint16_t*>(values + i / 2), Load(values + i));
}

// scores[m][p] of T rows and the first 16 * kGroups positions of a page.
template <DType kType, int T, size_t kGroups>
inline void ScoreTile(const float* queries, size_t hd, const std::byte* keys, float* scores) {
  VF sum[kGroups][T];
  for (size_t g = 0; g < kGroups; ++g) {
    for (int t = 0; t < T; ++t) sum[g][t] = Zero();
  }
  if constexpr (kType == DType::kBF16) {
    const size_t group_bytes = hd * 32;
    for (size_t pair = 0; pair < hd / 2; ++pair) {
      VB k[kGroups];
      for (size_t g = 0; g < kGroups; ++g) k[g] = LoadBytes(keys + g * group_bytes + pair * 64);
      for (int t = 0; t < T; ++t) {
        const VB q = Broadcast4(queries + static_cast<size_t>(t) * hd + pair);
        for (size_t g = 0; g < kGroups; ++g) sum[g][t] = DotBf16(sum[g][t], k[g], q);
      }
    }
  } else {
    for (size_t i = 0; i < hd; ++i) {
      VF k[kGroups];
      for (size_t g = 0; g < kGroups; ++g) {
        if constexpr (kType == DType::kF32) {
          k[g] = Load(reinterpret_cast<const float*>(keys) + (g * hd + i) * 16);
        } else {
          k[g] = LoadF16(reinterpret_cast<const uint16_t*>(keys) + (g * hd + i) * 16);
        }
      }
      for (int t = 0; t < T; ++t) {
        const VF q = Set(queries[static_cast<size_t>(t) * hd + i]);
        for (size_t g = 0; g < kGroups; ++g) sum[g][t] = Fma(k[g], q, sum[g][t]);
      }
    }
  }
  for (size_t g = 0; g < kGroups; ++g) {
    for (int t = 0; t < T; ++t) Store(scores + static_cast<size_t>(t) * kPage + g * 16, sum[g][t]);
  }
}

// sums[m] = sums[m] * rescale[m] + probabilities[m] x values, for T rows and R * 16 columns from `column` on.
template <DType kType, int T, int R>
inline void ValueTile(const AttentionScratch& s, size_t row, size_t hd, const std::byte* values,
                      size_t column) {
  VF sum[R][T];
  for (int t = 0; t < T; ++t) {
    const size_t m = row + static_cast<size_t>(t);
    for (int r = 0; r < R; ++r) {
      sum[r][t] = Mul(Load(s.sums + m * hd + column + static_cast<size_t>(r) * 16), Set(s.rescale[m]));
    }
  }
  const size_t n_steps = kType == DType::kBF16 ? (s.n_seen + 1) / 2 : s.n_seen;
  for (size_t p = 0; p < n_steps; ++p) {
    if constexpr (kType == DType::kBF16) {
      VB v[R];
      for (int r = 0; r < R; ++r)
        v[r] = LoadBytes(values + (p * hd + column + static_cast<size_t>(r) * 16) * 4);
      for (int t = 0; t < T; ++t) {
        const VB w = Broadcast4(s.scores + (row + static_cast<size_t>(t)) * kPage + p);
        for (int r = 0; r < R; ++r) sum[r][t] = DotBf16(sum[r][t], v[r], w);
      }
    } else {
      VF v[R];
      for (int r = 0; r < R; ++r) {
        const size_t at = p * hd + column + static_cast<size_t>(r) * 16;
        if constexpr (kType == DType::kF32)
          v[r] = Load(reinterpret_cast<const float*>(values) + at);
        else
          v[r] = LoadF16(reinterpret_cast<const uint16_t*>(values) + at);
      }
      for (int t = 0; t < T; ++t) {
        const VF w = Set(s.scores[(row + static_cast<size_t>(t)) * kPage + p]);
        for (int r = 0; r < R; ++r) sum[r][t] = Fma(v[r], w, sum[r][t]);
      }
    }
  }
  for (int t = 0; t < T; ++t) {
    for (int r = 0; r < R; ++r) {
      Store(s.sums + (row + static_cast<size_t>(t)) * hd + column + static_cast<size_t>(r) * 16, sum[r][t]);
    }
  }
}

template <DType kType, int T, size_t kGroups>
inline void ScoreRows(const AttentionScratch& s, size_t row, size_t n_rows, size_t hd,
                      const std::byte* keys) {
  for (; row + T <= n_rows; row += T) {
    ScoreTile<kType, T, kGroups>(s.queries + row * hd, hd, keys, s.scores + row * kPage);
  }
  if constexpr (T > 1) ScoreRows<kType, T / 2, kGroups>(s, row, n_rows, hd, keys);
}

template <DType kType, int T>
inline void ValueRows(const AttentionScratch& s, size_t row, size_t n_rows, size_t hd,
                      const std::byte* values) {
  for (; row + T <= n_rows; row += T) {
    size_t column = 0;
    for (; column + 64 <= hd; column += 64) ValueTile<kType, T, 4>(s, row, hd, values, column);
    for (; column < hd; column += 16) ValueTile<kType, T, 1>(s, row, hd, values, column);
  }
  if constexpr (T > 1) ValueRows<kType, T / 2>(s, row, n_rows, hd, values);
}

// Positions of the page that a query sees: [begin, end) relative to the page.
struct Visible {
  size_t begin;
  size_t end;
};
inline Visible VisibleIn(const AttentionParams& params, const AttentionSequence& sequence, size_t position,
                         size_t page) {
  const size_t start = page * kPage;
  size_t end = sequence.n_positions;
  if (params.causal && position + 1 < end) end = position + 1;
  size_t begin = 0;
  if (params.window > 0 && position + 1 > params.window) begin = position + 1 - params.window;
  const auto clip = [start](size_t p) { return p < start ? 0 : p - start > kPage ? kPage : p - start; };
  return {clip(begin), clip(end)};
}

// Turns a row's scores into probabilities relative to its running maximum; of BF16, packed.
template <DType kType>
inline void SoftmaxPage(const AttentionParams& params, Visible visible, const AttentionScratch& s, size_t m) {
  constexpr size_t kGroups = kPage / 16;
  float* scores = s.scores + m * kPage;
  s.rescale[m] = 1.0f;
  if (visible.begin >= visible.end) {
    for (size_t g = 0; g < kGroups; ++g) Store(scores + g * 16, Zero());
    return;
  }
  VF v[kGroups];
  for (size_t g = 0; g < kGroups; ++g) {
    v[g] = Mul(Load(scores + g * 16), Set(params.scale));
    if (params.softcap > 0.0f) {
      v[g] = Mul(Set(params.softcap), Tanh(Div(v[g], Set(params.softcap))));
    }
  }
  if (visible.begin > 0 || visible.end < kPage) {
    const auto clip = [](size_t p, size_t g) { return p < g * 16 ? 0 : p - g * 16 > 16 ? 16 : p - g * 16; };
    for (size_t g = 0; g < kGroups; ++g) {
      v[g] = KeepLanes(v[g], clip(visible.begin, g), clip(visible.end, g), -__builtin_inff());
    }
  }
  const VF page_max = Max(Max(v[0], v[1]), Max(v[2], v[3]));
  const float old_max = s.max[m];
  if (AnyGreater(page_max, Set(old_max))) {
    s.max[m] = ReduceMax(page_max);
    s.rescale[m] = old_max == -__builtin_inff() ? 0.0f : First(Exp(Set(old_max - s.max[m])));
  }
  const VF max = Set(s.max[m]);
  VF sum = Zero();
  for (size_t g = 0; g < kGroups; ++g) {
    v[g] = Exp(Sub(v[g], max));
    sum = Add(sum, v[g]);
  }
  for (size_t g = 0; g < kGroups; ++g) {
    if constexpr (kType == DType::kBF16)
      StoreBf16(reinterpret_cast<uint16_t*>(scores) + g * 16, v[g]);
    else
      Store(scores + g * 16, v[g]);
  }
  float* total = s.total + m * 16;
  Store(total, Fma(Load(total), Set(s.rescale[m]), sum));
}

template <DType kType>
inline void ScorePage(const AttentionScratch& s, size_t n_rows, size_t hd, const std::byte* keys,
                      [[maybe_unused]] const std::byte* next) {
#ifdef SOTTO_TILES
  if constexpr (kType == DType::kBF16) {
    for (size_t m = 0; m < n_rows; m += kTileRows)
      ScoreTiles(s.queries + m * hd, hd, keys, s.n_seen, s.scores + m * kPage, m == 0 ? next : nullptr);
    return;
  }
#endif
  if (s.n_seen <= 16)
    ScoreRows<kType, kAttentionTile, 1>(s, 0, n_rows, hd, keys);
  else
    ScoreRows<kType, kAttentionTile, kPage / 16>(s, 0, n_rows, hd, keys);
}

template <DType kType>
inline void AddValuesOfPage(const AttentionScratch& s, size_t n_rows, size_t hd, const std::byte* values,
                            [[maybe_unused]] const std::byte* next) {
#ifdef SOTTO_TILES
  if constexpr (kType == DType::kBF16) {
    for (size_t m = 0; m < n_rows; ++m) {
      if (s.rescale[m] == 1.0f) continue;
      const VF rescale = Set(s.rescale[m]);
      for (size_t i = 0; i < hd; i += 16) Store(s.sums + m * hd + i, Mul(Load(s.sums + m * hd + i), rescale));
    }
    for (size_t m = 0; m < n_rows; m += kTileRows)
      ValueTiles(s.scores + m * kPage, hd, values, s.n_seen, s.sums + m * hd, m == 0 ? next : nullptr);
    return;
  }
#endif
  ValueRows<kType, kAttentionTile>(s, 0, n_rows, hd, values);
}

template <DType kType>
void AttentionOf(const AttentionJob& job, size_t kv_head, size_t first, size_t last, std::byte* scratch) {
  const AttentionParams& params = *job.params;
  const AttentionSequence& sequence = *job.sequence;
  const KvPageLayout& layout = params.layout;
  const size_t head_dim = layout.head_dim;
  const size_t hd = layout.padded_head_dim();
  const size_t n_group = params.n_heads / layout.n_kv_heads;
  const size_t n_rows = (last - first) * n_group;
  AttentionScratch s = SplitScratch(scratch, n_rows, hd);
#ifdef SOTTO_TILES
  const TileScope scope(AttentionTiles());
#endif
  for (size_t m = 0; m < n_rows; ++m) {
    const float* q =
        job.queries + (first + m / n_group) * job.query_stride + (kv_head * n_group + m % n_group) * head_dim;
    float* to = s.queries + m * hd;
    for (size_t i = 0; i < hd; ++i) to[i] = i < head_dim ? q[i] : 0.0f;
    if constexpr (kType == DType::kBF16) PackBf16(to, hd);
#ifdef SOTTO_TILES
    if constexpr (kType == DType::kBF16) PadForTiles(to, hd);
#endif
    for (size_t i = 0; i < hd; i += 16) Store(s.sums + m * hd + i, Zero());
    s.max[m] = -__builtin_inff();
    Store(s.total + m * 16, Zero());
  }
  const size_t first_position = sequence.first_position + first;
  const size_t last_position = sequence.first_position + last - 1;
  const size_t end = params.causal ? last_position + 1 : sequence.n_positions;
  size_t page = 0;
  if (params.window > 0 && first_position + 1 > params.window)
    page = (first_position + 1 - params.window) / kPage;
  for (; page * kPage < end; ++page) {
    const auto* bytes = static_cast<const std::byte*>(sequence.pages[page]);
    s.n_seen = end - page * kPage < kPage ? end - page * kPage : kPage;
    const std::byte* keys = bytes + layout.key_offset(kv_head);
    const std::byte* values = bytes + layout.value_offset(kv_head);
    const std::byte* next_keys =
        (page + 1) * kPage < end
            ? static_cast<const std::byte*>(sequence.pages[page + 1]) + layout.key_offset(kv_head)
            : nullptr;
    ScorePage<kType>(s, n_rows, hd, keys, values);
    for (size_t t = first, m = 0; t < last; ++t) {
      const Visible visible = VisibleIn(params, sequence, sequence.first_position + t, page);
      for (size_t g = 0; g < n_group; ++g, ++m) {
        SoftmaxPage<kType>(params, visible, s, m);
      }
    }
    AddValuesOfPage<kType>(s, n_rows, hd, values, next_keys);
  }
  for (size_t m = 0; m < n_rows; ++m) {
    float* to = job.out + (first + m / n_group) * params.n_heads * head_dim +
                (kv_head * n_group + m % n_group) * head_dim;
    const VF inverse = Set(1.0f / ReduceAdd(Load(s.total + m * 16)));
    Map(s.sums + m * hd, head_dim, to, [&](size_t, VF v, size_t) { return Mul(v, inverse); });
  }
}

void AttentionKernel(const AttentionJob& job, size_t kv_head, size_t first, size_t last, std::byte* scratch) {
  switch (job.params->layout.type) {
    case DType::kF32:
      return AttentionOf<DType::kF32>(job, kv_head, first, last, scratch);
    case DType::kF16:
      return AttentionOf<DType::kF16>(job, kv_head, first, last, scratch);
    default:
      return AttentionOf<DType::kBF16>(job, kv_head, first, last, scratch);
  }
}

void WriteKvHead(const KvPageLayout& layout, void* const* pages, size_t first_position, size_t n,
                 size_t kv_head, const float* keys, const float* values, size_t stride) {
  const size_t hd = layout.padded_head_dim();
  const DType type = layout.type;
  for (size_t i = 0; i < n; ++i) {
    const size_t slot = (first_position + i) % kPage;
    auto* bytes = static_cast<std::byte*>(pages[(first_position + i) / kPage]);
    const float* key = keys + i * stride + kv_head * layout.head_dim;
    const float* value = values + i * stride + kv_head * layout.head_dim;
    std::byte* key_bytes = bytes + layout.key_offset(kv_head);
    std::byte* value_bytes = bytes + layout.value_offset(kv_head);
    if (type == DType::kF32) {
      float* k = reinterpret_cast<float*>(key_bytes) + slot / 16 * hd * 16 + slot % 16;
      float* v = reinterpret_cast<float*>(value_bytes) + slot * hd;
      for (size_t c = 0; c < layout.head_dim; ++c) k[c * 16] = key[c], v[c] = value[c];
    } else if (type == DType::kF16) {
      uint16_t* k = reinterpret_cast<uint16_t*>(key_bytes) + slot / 16 * hd * 16 + slot % 16;
      uint16_t* v = reinterpret_cast<uint16_t*>(value_bytes) + slot * hd;
      alignas(64) uint16_t half[16];
      for (size_t c = 0; c < layout.head_dim; c += 16) {
        const size_t m = layout.head_dim - c < 16 ? layout.head_dim - c : 16;
        StoreF16(half, LoadPart(key + c, m));
        for (size_t l = 0; l < m; ++l) k[(c + l) * 16] = half[l];
        StoreF16(v + c, LoadPart(value + c, m));
      }
    } else {
      uint16_t* k = reinterpret_cast<uint16_t*>(key_bytes) + slot / 16 * hd * 16 + slot % 16 * 2;
      uint16_t* v = reinterpret_cast<uint16_t*>(value_bytes) + slot / 2 * hd * 2 + slot % 2;
      alignas(64) uint16_t key_half[16];
      alignas(64) uint16_t value_half[16];
      for (size_t c = 0; c < layout.head_dim; c += 16) {
        const size_t m = layout.head_dim - c < 16 ? layout.head_dim - c : 16;
        StoreBf16(key_half, LoadPart(key + c, m));
        StoreBf16(value_half, LoadPart(value + c, m));
        for (size_t l = 0; l < m; ++l) {
          k[(c + l) / 2 * 32 + l % 2] = key_half[l];
          v[(c + l) * 2] = value_half[l];
        }
      }
    }
  }
}

}  // namespace
}  // namespace sotto
