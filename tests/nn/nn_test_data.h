// Random matrices for the tests of nn.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "nn/block_formats.h"
#include "nn/compute.h"
#include "nn/half.h"

namespace sotto {

// About normal, standard deviation `scale`.
inline std::vector<float> RandomFloats(size_t n, Random& random, float scale = 1.0f) {
  std::vector<float> values(n);
  for (float& v : values) {
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += random.Uniform() - 0.5;
    v = static_cast<float>(sum * 1.732) * scale;
  }
  return values;
}

// Rows of a type with every bit of the quants random and small scales; also of types that cannot be quantised
// to.
inline std::vector<std::byte> RandomRows(DType type, size_t n_rows, size_t n_cols, Random& random) {
  if (BlockSize(type) == 1) {
    const std::vector<float> values = RandomFloats(n_rows * n_cols, random, 0.05f);
    std::vector<std::byte> bytes(n_rows * RowBytes(type, n_cols));
    QuantizeRow(type, values, bytes);
    return bytes;
  }
  std::vector<std::byte> bytes(n_rows * RowBytes(type, n_cols));
  for (std::byte& b : bytes) b = static_cast<std::byte>(random.Below(256));
  const auto put = [&](std::byte* at, double low, double high) {
    const uint16_t half = FloatToF16(static_cast<float>(low + (high - low) * random.Uniform()));
    std::memcpy(at, &half, 2);
  };
  for (size_t i = 0; i < bytes.size(); i += BlockBytes(type)) {
    std::byte* block = bytes.data() + i;
    switch (type) {
      case DType::kQ5_1:
        put(block, 0.001, 0.01);
        put(block + 2, -0.15, 0.0);
        break;
      case DType::kQ4_K:
      case DType::kQ5_K:
        put(block, 0.0001, 0.0005);
        put(block + 2, 0.0005, 0.002);
        break;
      case DType::kQ6_K:
        put(block + offsetof(BlockQ6_K, d), -0.0001, 0.0001);
        break;
      default:
        put(block, -0.01, 0.01);
        break;
    }
  }
  return bytes;
}

// A matrix in its file form, as floats and packed.
struct TestMatrix {
  TestMatrix(DType type, size_t n_rows, size_t n_cols, Random& random)
      : bytes(RandomRows(type, n_rows, n_cols, random)),
        values(n_rows * n_cols),
        packed(Pack(type, n_rows, n_cols)) {
    for (size_t r = 0; r < n_rows; ++r) {
      const size_t row_bytes = RowBytes(type, n_cols);
      DequantizeRow(type, std::span(bytes).subspan(r * row_bytes, row_bytes),
                    std::span(values).subspan(r * n_cols, n_cols));
    }
  }
  WeightMatrix Pack(DType type, size_t n_rows, size_t n_cols) const {
    ThreadTeam team(1);
    auto matrix = WeightMatrix::Create(type, n_rows, n_cols, bytes, team);
    SOTTO_CHECK(matrix.has_value());
    return std::move(*matrix);
  }

  std::vector<std::byte> bytes;
  std::vector<float> values;
  WeightMatrix packed;
};

// y[t, r] in double.
inline std::vector<double> ExactProduct(const std::vector<float>& w, size_t n_rows, size_t n_cols,
                                        const std::vector<float>& x, size_t n_tokens) {
  std::vector<double> y(n_tokens * n_rows);
  for (size_t t = 0; t < n_tokens; ++t) {
    for (size_t r = 0; r < n_rows; ++r) {
      double sum = 0;
      for (size_t c = 0; c < n_cols; ++c) sum += static_cast<double>(w[r * n_cols + c]) * x[t * n_cols + c];
      y[t * n_rows + r] = sum;
    }
  }
  return y;
}

// Largest difference over the rms of `exact`; and the rms difference over it.
struct Deviation {
  double max;
  double rms;
};
template <typename Values>
Deviation DeviationOf(const std::vector<float>& y, const Values& exact) {
  double max = 0, square = 0, scale = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const double diff = std::fabs(static_cast<double>(y[i]) - static_cast<double>(exact[i]));
    if (!(diff <= max)) max = diff;
    square += diff * diff;
    scale += static_cast<double>(exact[i]) * static_cast<double>(exact[i]);
  }
  const double rms = std::sqrt(scale / static_cast<double>(y.size())) + 1e-30;
  return {max / rms, std::sqrt(square / static_cast<double>(y.size())) / rms};
}

}  // namespace sotto
