#include "slm/gptq.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "nn/half.h"

namespace sotto {
namespace {

constexpr size_t kGroup = 32;

struct Levels {
  int least;
  int most;
};
Levels LevelsOf(DType type) { return type == DType::kQ4_0 ? Levels{-8, 7} : Levels{-127, 127}; }

// L of A = L L^T, in place of the lower triangle. False: A is not positive definite.
bool Cholesky(std::vector<double>& a, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      const double* x = a.data() + i * n;
      const double* y = a.data() + j * n;
      for (size_t k = 0; k < j; ++k) sum -= x[k] * y[k];
      if (i == j) {
        if (!(sum > 0) || !std::isfinite(sum)) return false;
        a[i * n + i] = std::sqrt(sum);
      } else {
        a[i * n + j] = sum / a[j * n + j];
      }
    }
  }
  return true;
}

// L^-1 of a lower triangular L; rows above the diagonal are zero.
std::vector<double> InverseLower(const std::vector<double>& l, size_t n) {
  std::vector<double> inverse(n * n, 0);
  for (size_t i = 0; i < n; ++i) {
    double* row = inverse.data() + i * n;
    for (size_t k = 0; k < i; ++k) {
      const double factor = l[i * n + k];
      const double* other = inverse.data() + k * n;
      for (size_t j = 0; j <= k; ++j) row[j] -= factor * other[j];
    }
    row[i] = 1;
    for (size_t j = 0; j <= i; ++j) row[j] /= l[i * n + i];
  }
  return inverse;
}

// The scale of a block, as F16 holds it, and whether the block is zero.
float BestScale(DType type, const float* w, const double* weight) {
  float extreme = 0;
  for (size_t i = 0; i < kGroup; ++i) {
    if (std::fabs(w[i]) > std::fabs(extreme)) extreme = w[i];
  }
  if (extreme == 0.0f || !std::isfinite(extreme)) return 0;
  const Levels levels = LevelsOf(type);
  const auto error_of = [&](float d) {
    const float inverse = 1 / d;
    double error = 0;
    for (size_t i = 0; i < kGroup; ++i) {
      const int q = std::clamp(static_cast<int>(std::lrintf(w[i] * inverse)), levels.least, levels.most);
      const double diff = static_cast<double>(w[i] - d * static_cast<float>(q));
      error += weight[i] * diff * diff;
    }
    return error;
  };
  float best = 0;
  double least = 0;
  const auto consider = [&](float d) {
    d = F16ToFloat(FloatToF16(d));
    if (d == 0.0f) return;
    const double error = error_of(d);
    if (best == 0.0f || error < least) {
      best = d;
      least = error;
    }
  };
  const float low = extreme / static_cast<float>(levels.least);
  const float high = extreme / static_cast<float>(levels.most);
  const int steps = type == DType::kQ4_0 ? 24 : 4;
  for (int step = 0; step <= steps; ++step) {
    // From the whole range down to 62 % of it (Q4_0), 96 % (Q8_0): what is cut off costs less than it gains.
    const float share =
        1.02f - (type == DType::kQ4_0 ? 0.40f : 0.06f) * static_cast<float>(step) / static_cast<float>(steps);
    consider(low * share);
    if (type == DType::kQ4_0) consider(high * share);
  }
  return best;
}

void Store(DType type, float d, const std::array<int, kGroup>& q, std::byte* out) {
  if (type == DType::kQ4_0) {
    BlockQ4_0 block;
    block.d = FloatToF16(d);
    for (size_t i = 0; i < 16; ++i) block.qs[i] = static_cast<uint8_t>((q[i] + 8) | (q[i + 16] + 8) << 4);
    std::memcpy(out, &block, sizeof block);
  } else {
    BlockQ8_0 block;
    block.d = FloatToF16(d);
    for (size_t i = 0; i < kGroup; ++i) block.qs[i] = static_cast<int8_t>(q[i]);
    std::memcpy(out, &block, sizeof block);
  }
}

int Nearest(float w, float d, Levels levels) {
  if (d == 0.0f) return 0;
  return std::clamp(static_cast<int>(std::lrintf(w / d)), levels.least, levels.most);
}

}  // namespace

bool CanGptq(DType type) { return type == DType::kQ4_0 || type == DType::kQ8_0; }

Result<std::vector<double>> InverseFactor(std::span<const double> h, size_t n, double damp) {
  SOTTO_CHECK(h.size() == n * n && n > 0);
  double mean = 0;
  for (size_t i = 0; i < n; ++i) mean += h[i * n + i] / static_cast<double>(n);
  if (!std::isfinite(mean)) return MakeError(ErrorCode::kCorrupt, "the inputs of a matrix are not finite");
  if (mean <= 0) mean = 1;
  for (double share = damp; share <= 1; share *= 10) {
    std::vector<double> a(h.begin(), h.end());
    for (size_t i = 0; i < n; ++i) {
      if (a[i * n + i] <= 0) a[i * n + i] = mean;
      a[i * n + i] += share * mean;
    }
    if (!Cholesky(a, n)) continue;
    const std::vector<double> inverse_l = InverseLower(a, n);
    // H^-1 = L^-T L^-1; the transpose of its own lower factor is U.
    std::vector<double> inverse(n * n, 0);
    for (size_t k = 0; k < n; ++k) {
      const double* row = inverse_l.data() + k * n;
      for (size_t i = 0; i <= k; ++i) {
        const double x = row[i];
        if (x == 0) continue;
        double* to = inverse.data() + i * n;
        for (size_t j = 0; j <= i; ++j) to[j] += x * row[j];
      }
    }
    if (!Cholesky(inverse, n)) continue;
    std::vector<double> u(n * n, 0);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j <= i; ++j) u[j * n + i] = inverse[i * n + j];
    }
    return u;
  }
  return MakeError(ErrorCode::kCorrupt, "the inputs of a matrix have no positive definite second moment");
}

void GptqRow(DType type, std::span<float> w, std::span<const double> u, std::span<std::byte> out) {
  const size_t n = w.size();
  SOTTO_CHECK(CanGptq(type) && n % kGroup == 0 && u.size() == n * n && out.size() == RowBytes(type, n));
  const Levels levels = LevelsOf(type);
  std::array<int, kGroup> q{};
  std::array<double, kGroup> weight{};
  for (size_t group = 0; group < n; group += kGroup) {
    for (size_t i = 0; i < kGroup; ++i) {
      const double diagonal = u[(group + i) * n + group + i];
      weight[i] = 1 / (diagonal * diagonal);
    }
    const float d = BestScale(type, w.data() + group, weight.data());
    for (size_t i = 0; i < kGroup; ++i) {
      const size_t j = group + i;
      q[i] = Nearest(w[j], d, levels);
      const double* row = u.data() + j * n;
      const auto error =
          static_cast<float>(static_cast<double>(w[j] - d * static_cast<float>(q[i])) / row[j]);
      if (error == 0.0f) continue;
      for (size_t k = j + 1; k < n; ++k) w[k] -= error * static_cast<float>(row[k]);
    }
    Store(type, d, q, out.data() + group / kGroup * BlockBytes(type));
  }
}

void WeightedRow(DType type, std::span<const float> w, std::span<const double> weight,
                 std::span<std::byte> out) {
  const size_t n = w.size();
  SOTTO_CHECK(CanGptq(type) && n % kGroup == 0 && weight.size() == n && out.size() == RowBytes(type, n));
  const Levels levels = LevelsOf(type);
  std::array<int, kGroup> q{};
  for (size_t group = 0; group < n; group += kGroup) {
    const float d = BestScale(type, w.data() + group, weight.data() + group);
    for (size_t i = 0; i < kGroup; ++i) q[i] = Nearest(w[group + i], d, levels);
    Store(type, d, q, out.data() + group / kGroup * BlockBytes(type));
  }
}

double OutputError(std::span<const float> a, std::span<const float> b, std::span<const double> h) {
  const size_t n = a.size();
  SOTTO_CHECK(b.size() == n && h.size() == n * n);
  std::vector<double> diff(n);
  for (size_t i = 0; i < n; ++i) diff[i] = static_cast<double>(a[i]) - static_cast<double>(b[i]);
  double error = 0;
  for (size_t i = 0; i < n; ++i) {
    const double* row = h.data() + i * n;
    double sum = 0;
    for (size_t j = 0; j < n; ++j) sum += row[j] * diff[j];
    error += diff[i] * sum;
  }
  return error;
}

}  // namespace sotto
