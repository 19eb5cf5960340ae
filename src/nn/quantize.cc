// Rounding rows of floats to the block formats (QuantizeRow of block_formats.h). The searches for scales
// follow ggml's reference quantisation (ggml-quants.c: make_qkx2_quants, make_qx_quants).
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "nn/block_formats.h"
#include "nn/half.h"

namespace sotto {
namespace {

int RoundToInt(float x) { return static_cast<int>(std::nearbyintf(x)); }

// The value of largest magnitude, with its sign.
float Extreme(const float* x, size_t n) {
  float extreme = 0.0f;
  for (size_t i = 0; i < n; ++i) {
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
  }
  return extreme;
}

void Quantize(const float* x, BlockQ8_0& block) {
  const float max = std::fabs(Extreme(x, 32));
  const float d = max / 127.0f;
  const float inverse = d > 0.0f ? 1.0f / d : 0.0f;
  block.d = FloatToF16(d);
  for (int i = 0; i < 32; ++i) block.qs[i] = static_cast<int8_t>(std::lrintf(std::round(x[i] * inverse)));
}

void Quantize(const float* x, BlockQ4_0& block) {
  const float d = Extreme(x, 32) / -8.0f;
  const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
  block.d = FloatToF16(d);
  const auto quant = [&](float v) { return std::clamp(static_cast<int>(v * inverse + 8.5f), 0, 15); };
  for (int i = 0; i < 16; ++i) block.qs[i] = static_cast<uint8_t>(quant(x[i]) | quant(x[i + 16]) << 4);
}

void Quantize(const float* x, BlockQ5_0& block) {
  const float d = Extreme(x, 32) / -16.0f;
  const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
  block.d = FloatToF16(d);
  const auto quant = [&](float v) { return std::clamp(static_cast<int>(v * inverse + 16.5f), 0, 31); };
  uint32_t high = 0;
  for (int i = 0; i < 16; ++i) {
    const int low_q = quant(x[i]);
    const int high_q = quant(x[i + 16]);
    block.qs[i] = static_cast<uint8_t>((low_q & 15) | (high_q & 15) << 4);
    high |= static_cast<uint32_t>(low_q >> 4) << i | static_cast<uint32_t>(high_q >> 4) << (i + 16);
  }
  std::memcpy(block.qh, &high, 4);
}

struct ScaleMin {
  float scale;
  float min;  // subtracted: value = scale * q - min, min >= 0
};

// The least squares scale and min for given quants; false where the quants are all the same.
bool FitScaleMin(const float* x, const float* weight, const uint8_t* q, size_t n, ScaleMin& fit) {
  double sum_w = 0, sum_x = 0, sum_q = 0, sum_q2 = 0, sum_xq = 0;
  for (size_t i = 0; i < n; ++i) {
    const double w = weight[i];
    sum_w += w;
    sum_x += w * x[i];
    sum_q += w * q[i];
    sum_q2 += w * q[i] * q[i];
    sum_xq += w * x[i] * q[i];
  }
  const double det = sum_w * sum_q2 - sum_q * sum_q;
  if (det <= 0) return false;
  double scale = (sum_w * sum_xq - sum_x * sum_q) / det;
  double offset = (sum_q2 * sum_x - sum_q * sum_xq) / det;
  if (offset > 0) {
    offset = 0;
    scale = sum_xq / sum_q2;
  }
  fit = {static_cast<float>(scale), static_cast<float>(-offset)};
  return true;
}

// Scale and min of a sub-block of 32 with quants 0..max_q: tries a range of scales, refits each by least
// squares and keeps the one of least weighted squared error.
ScaleMin SearchScaleMin(const float* x, size_t n, int max_q) {
  float weight[32];
  float square = 0.0f;
  for (size_t i = 0; i < n; ++i) square += x[i] * x[i];
  const float base = std::sqrt(square / static_cast<float>(n));
  for (size_t i = 0; i < n; ++i) weight[i] = base + std::fabs(x[i]);
  const float low = std::min(0.0f, *std::min_element(x, x + n));
  const float high = *std::max_element(x, x + n);
  if (high <= low) return {0.0f, -low};

  const auto error_of = [&](ScaleMin s, const uint8_t* q) {
    float error = 0.0f;
    for (size_t i = 0; i < n; ++i) {
      const float diff = s.scale * static_cast<float>(q[i]) - s.min - x[i];
      error += weight[i] * diff * diff;
    }
    return error;
  };
  const auto quantize = [&](float inverse, uint8_t* q) {
    for (size_t i = 0; i < n; ++i) {
      q[i] = static_cast<uint8_t>(std::clamp(RoundToInt(inverse * (x[i] - low)), 0, max_q));
    }
  };
  uint8_t q[32];
  const float range = high - low;
  quantize(static_cast<float>(max_q) / range, q);
  ScaleMin best{range / static_cast<float>(max_q), -low};
  float best_error = error_of(best, q);
  for (int step = 0; step <= 20; ++step) {
    quantize((static_cast<float>(max_q) - 1.0f + 0.1f * static_cast<float>(step)) / range, q);
    ScaleMin fit{};
    if (!FitScaleMin(x, weight, q, n, fit)) continue;
    const float error = error_of(fit, q);
    if (error < best_error) {
      best_error = error;
      best = fit;
    }
  }
  return best;
}

void PackScalesK(const uint8_t scale[8], const uint8_t min[8], uint8_t packed[12]) {
  std::fill_n(packed, 12, uint8_t{0});
  for (size_t j = 0; j < 8; ++j) {
    if (j < 4) {
      packed[j] = static_cast<uint8_t>(packed[j] | scale[j]);
      packed[j + 4] = static_cast<uint8_t>(packed[j + 4] | min[j]);
    } else {
      packed[j + 4] = static_cast<uint8_t>((scale[j] & 15) | (min[j] & 15) << 4);
      packed[j - 4] = static_cast<uint8_t>(packed[j - 4] | (scale[j] >> 4) << 6);
      packed[j] = static_cast<uint8_t>(packed[j] | (min[j] >> 4) << 6);
    }
  }
}

void Quantize(const float* x, BlockQ4_K& block) {
  ScaleMin sub[8];
  float max_scale = 0.0f;
  float max_min = 0.0f;
  for (size_t j = 0; j < 8; ++j) {
    sub[j] = SearchScaleMin(x + 32 * j, 32, 15);
    max_scale = std::max(max_scale, sub[j].scale);
    max_min = std::max(max_min, sub[j].min);
  }
  uint8_t scales[8];
  uint8_t mins[8];
  const auto six_bits = [](float value, float max) {
    return static_cast<uint8_t>(max > 0.0f ? std::clamp(RoundToInt(63.0f * value / max), 0, 63) : 0);
  };
  for (size_t j = 0; j < 8; ++j) {
    scales[j] = six_bits(sub[j].scale, max_scale);
    mins[j] = six_bits(sub[j].min, max_min);
  }
  PackScalesK(scales, mins, block.scales);
  block.d = FloatToF16(max_scale / 63.0f);
  block.dmin = FloatToF16(max_min / 63.0f);
  std::fill_n(block.qs, 128, uint8_t{0});
  for (size_t j = 0; j < 8; ++j) {
    const float scale = F16ToFloat(block.d) * static_cast<float>(scales[j]);
    const float min = F16ToFloat(block.dmin) * static_cast<float>(mins[j]);
    for (size_t i = 0; i < 32; ++i) {
      const int q = scale > 0.0f ? std::clamp(RoundToInt((x[32 * j + i] + min) / scale), 0, 15) : 0;
      uint8_t& byte = block.qs[j / 2 * 32 + i];
      byte = static_cast<uint8_t>(byte | q << (j % 2 * 4));
    }
  }
}

// The scale of 16 values with quants -32..31: of a few tried, the one of least squared error weighted by x^2.
float SearchScaleSymmetric(const float* x, size_t n) {
  const float extreme = Extreme(x, n);
  if (std::fabs(extreme) < 1e-15f) return 0.0f;
  float best_scale = 0.0f;
  float best_gain = -1.0f;
  for (int step = -9; step <= 9; ++step) {
    const float inverse = -(32.0f + 0.1f * static_cast<float>(step)) / extreme;
    float sum_xq = 0.0f;
    float sum_q2 = 0.0f;
    for (size_t i = 0; i < n; ++i) {
      const float q = static_cast<float>(std::clamp(RoundToInt(inverse * x[i]), -32, 31));
      const float weight = x[i] * x[i];
      sum_xq += weight * x[i] * q;
      sum_q2 += weight * q * q;
    }
    // The error left by the best scale for these quants is a constant minus this gain.
    const float gain = sum_q2 > 0.0f ? sum_xq * sum_xq / sum_q2 : 0.0f;
    if (gain > best_gain) {
      best_gain = gain;
      best_scale = sum_q2 > 0.0f ? sum_xq / sum_q2 : 1.0f / inverse;
    }
  }
  return best_scale;
}

void Quantize(const float* x, BlockQ6_K& block) {
  float scales[16];
  for (size_t j = 0; j < 16; ++j) scales[j] = SearchScaleSymmetric(x + 16 * j, 16);
  const float extreme = Extreme(scales, 16);
  std::memset(&block, 0, sizeof(block));
  if (std::fabs(extreme) < 1e-15f) return;
  const float inverse = -128.0f / extreme;
  block.d = FloatToF16(1.0f / inverse);
  uint8_t q[256];
  for (size_t j = 0; j < 16; ++j) {
    block.scales[j] = static_cast<int8_t>(std::clamp(RoundToInt(inverse * scales[j]), -128, 127));
    const float d = F16ToFloat(block.d) * static_cast<float>(block.scales[j]);
    for (size_t i = 16 * j; i < 16 * j + 16; ++i) {
      q[i] = static_cast<uint8_t>(d != 0.0f ? std::clamp(RoundToInt(x[i] / d), -32, 31) + 32 : 32);
    }
  }
  for (size_t half = 0; half < 2; ++half) {
    for (size_t l = 0; l < 32; ++l) {
      const uint8_t* from = q + half * 128 + l;
      block.ql[half * 64 + l] = static_cast<uint8_t>((from[0] & 15) | (from[64] & 15) << 4);
      block.ql[half * 64 + 32 + l] = static_cast<uint8_t>((from[32] & 15) | (from[96] & 15) << 4);
      block.qh[half * 32 + l] =
          static_cast<uint8_t>(from[0] >> 4 | from[32] >> 4 << 2 | from[64] >> 4 << 4 | from[96] >> 4 << 6);
    }
  }
}

template <typename Block>
void QuantizeBlocks(std::span<const float> values, std::byte* row, size_t block_size) {
  for (size_t i = 0; i < values.size(); i += block_size, row += sizeof(Block)) {
    Block block;
    Quantize(values.data() + i, block);
    std::memcpy(row, &block, sizeof(Block));
  }
}

template <typename Convert>
void ConvertToHalves(std::span<const float> values, std::byte* row, Convert convert) {
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t half = convert(values[i]);
    std::memcpy(row + 2 * i, &half, 2);
  }
}

}  // namespace

bool CanQuantize(DType type) { return type != DType::kQ5_1 && type != DType::kQ5_K; }

void QuantizeRow(DType type, std::span<const float> values, std::span<std::byte> row) {
  SOTTO_CHECK(row.size() == RowBytes(type, values.size()), "{} bytes for {} values of {}", row.size(),
              values.size(), DTypeName(type));
  switch (type) {
    case DType::kF32:
      std::memcpy(row.data(), values.data(), row.size());
      return;
    case DType::kF16:
      return ConvertToHalves(values, row.data(), FloatToF16);
    case DType::kBF16:
      return ConvertToHalves(values, row.data(), FloatToBf16);
    case DType::kQ8_0:
      return QuantizeBlocks<BlockQ8_0>(values, row.data(), 32);
    case DType::kQ4_0:
      return QuantizeBlocks<BlockQ4_0>(values, row.data(), 32);
    case DType::kQ5_0:
      return QuantizeBlocks<BlockQ5_0>(values, row.data(), 32);
    case DType::kQ4_K:
      return QuantizeBlocks<BlockQ4_K>(values, row.data(), 256);
    case DType::kQ6_K:
      return QuantizeBlocks<BlockQ6_K>(values, row.data(), 256);
    default:
      SOTTO_CHECK(false, "cannot quantise to {}", DTypeName(type));
  }
}

}  // namespace sotto
