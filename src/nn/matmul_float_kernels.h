// Products with float activations: F32, F16 and BF16 weights, and quantised weights expanded to float. Same
// principle as matmul_kernels.h: a lane is a row, columns are added in ascending order. Included once by a
// kernels_<isa>.cc.
#pragma once

#include "nn/matmul_kernels.h"

namespace sotto {
namespace {

template <DType kType>
inline VF LoadColumn(const std::byte* group, size_t column) {
  if constexpr (kType == DType::kF32) {
    return Load(reinterpret_cast<const float*>(group) + column * 16);
  } else if constexpr (kType == DType::kF16) {
    return LoadF16(reinterpret_cast<const uint16_t*>(group) + column * 16);
  } else {
    return LoadBf16(reinterpret_cast<const uint16_t*>(group) + column * 16);
  }
}

template <DType kType, int T, int R>
inline void FloatTile(const std::byte* const* groups, const float* x, size_t x_stride, size_t n_cols,
                      bool add, float* y, size_t y_stride, const size_t* lanes) {
  VF sum[R][T];
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      const float* from = y + static_cast<size_t>(t) * y_stride + static_cast<size_t>(r) * 16;
      sum[r][t] = add ? LoadN(from, lanes[r]) : Zero();
    }
  }
  for (size_t c = 0; c < n_cols; ++c) {
    VF w[R];
    for (int r = 0; r < R; ++r) w[r] = LoadColumn<kType>(groups[r], c);
    for (int t = 0; t < T; ++t) {
      const VF xc = Set(x[static_cast<size_t>(t) * x_stride + c]);
      for (int r = 0; r < R; ++r) sum[r][t] = Fma(w[r], xc, sum[r][t]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      StoreN(y + static_cast<size_t>(t) * y_stride + static_cast<size_t>(r) * 16, sum[r][t], lanes[r]);
    }
  }
}

// Columns [column, column + n) of R groups that start at group `g`, all tokens.
template <DType kType, int T, int R>
inline void FloatTokens(const MatMulJob& job, const std::byte* const* groups, size_t g, size_t token,
                        size_t column, size_t n) {
  size_t lanes[R];
  for (int r = 0; r < R; ++r) lanes[r] = LanesOf(job, g + static_cast<size_t>(r));
  for (; token + T <= job.n_tokens; token += T) {
    FloatTile<kType, T, R>(groups, job.x + token * job.n_cols + column, job.n_cols, n, column > 0,
                           job.y + token * job.y_stride + g * 16, job.y_stride, lanes);
  }
  if constexpr (T > 1) FloatTokens<kType, T / 2, R>(job, groups, g, token, column, n);
}

template <int kByte>
inline void ExpandBytes(VB w, float offset, VF scale, VF min, float* to) {
  Store(to, Sub(Mul(scale, Sub(ByteLane<kByte>(w), Set(offset))), min));
}

// Expands columns [column, column + n) of a group to floats [n][16].
template <DType kType>
inline void Expand(const std::byte* group, size_t n_cols, size_t column, size_t n, float* out) {
  if constexpr (kType == DType::kF32 || kType == DType::kF16 || kType == DType::kBF16) {
    for (size_t c = 0; c < n; ++c) Store(out + c * 16, LoadColumn<kType>(group, column + c));
  } else {
    const PackedGroup<kType> packed(group, n_cols);
    for (size_t b = 0; b < n / 32; ++b) {
      const auto block = packed.Load(column / 32 + b);
      VF min = Zero();
      if constexpr (HasMin(kType)) min = packed.Min(column / 32 + b);
      float* to = out + b * 32 * 16;
      for (size_t half = 0; half < 2; ++half) {
        const VF scale = packed.Scale(column / 32 + b, HasTwoScales(kType) ? half : 0);
        for (size_t j = half * 4; j < half * 4 + 4; ++j) {
          ExpandBytes<0>(block.w[j], ByteOffset(kType), scale, min, to + (4 * j + 0) * 16);
          ExpandBytes<1>(block.w[j], ByteOffset(kType), scale, min, to + (4 * j + 1) * 16);
          ExpandBytes<2>(block.w[j], ByteOffset(kType), scale, min, to + (4 * j + 2) * 16);
          ExpandBytes<3>(block.w[j], ByteOffset(kType), scale, min, to + (4 * j + 3) * 16);
        }
      }
    }
  }
}

template <DType kType, int T, int R>
inline void MatMulFloatDirect(const MatMulJob& job, size_t g) {
  const std::byte* groups[R];
  for (size_t r = 0; r < R; ++r) groups[r] = job.groups + (g + r) * job.group_bytes;
  FloatTokens<kType, T, R>(job, groups, g, 0, 0, job.n_cols);
}

template <DType kType, int R>
inline void MatMulFloatPanels(const MatMulJob& job, size_t g, std::byte* scratch) {
  const std::byte* panels[R];
  for (size_t column = 0; column < job.n_cols; column += kPanelColumns) {
    const size_t n = job.n_cols - column < kPanelColumns ? job.n_cols - column : kPanelColumns;
    for (size_t r = 0; r < R; ++r) {
      std::byte* panel = scratch + r * (kMatMulScratchBytes / kPanelGroups);
      Expand<kType>(job.groups + (g + r) * job.group_bytes, job.n_cols, column, n,
                    reinterpret_cast<float*>(panel));
      panels[r] = panel;
    }
    FloatTokens<DType::kF32, kTileTokens, R>(job, panels, g, 0, column, n);
  }
}

template <DType kType>
inline void MatMulFloatOf(const MatMulJob& job, size_t first, size_t last, std::byte* scratch) {
  constexpr bool kFloatType = kType == DType::kF32 || kType == DType::kF16 || kType == DType::kBF16;
  size_t g = first;
  if constexpr (kFloatType) {
    if (job.n_tokens <= kDirectTokens) {
      // Few tokens: several groups at once hide the latency of the additions.
      for (; g + 4 <= last; g += 4) MatMulFloatDirect<kType, kTileTokens, 4>(job, g);
      for (; g < last; ++g) MatMulFloatDirect<kType, kTileTokens, 1>(job, g);
      return;
    }
  }
  for (; g + kTileGroups <= last; g += kTileGroups) MatMulFloatPanels<kType, kTileGroups>(job, g, scratch);
  for (; g < last; ++g) MatMulFloatPanels<kType, 1>(job, g, scratch);
}

void MatMulFloat(const MatMulJob& job, size_t first, size_t last, std::byte* scratch) {
  switch (job.type) {
    case DType::kF32:
      return MatMulFloatOf<DType::kF32>(job, first, last, scratch);
    case DType::kF16:
      return MatMulFloatOf<DType::kF16>(job, first, last, scratch);
    case DType::kBF16:
      return MatMulFloatOf<DType::kBF16>(job, first, last, scratch);
    case DType::kQ8_0:
      return MatMulFloatOf<DType::kQ8_0>(job, first, last, scratch);
    case DType::kQ4_0:
      return MatMulFloatOf<DType::kQ4_0>(job, first, last, scratch);
    case DType::kQ5_0:
      return MatMulFloatOf<DType::kQ5_0>(job, first, last, scratch);
    case DType::kQ5_1:
      return MatMulFloatOf<DType::kQ5_1>(job, first, last, scratch);
    case DType::kQ4_K:
      return MatMulFloatOf<DType::kQ4_K>(job, first, last, scratch);
    case DType::kQ5_K:
      return MatMulFloatOf<DType::kQ5_K>(job, first, last, scratch);
    case DType::kQ6_K:
      return MatMulFloatOf<DType::kQ6_K>(job, first, last, scratch);
  }
}

}  // namespace
}  // namespace sotto
