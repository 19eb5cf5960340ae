// Logistic regression for a handful of features, by Newton's method with a small ridge: the likelihood is concave, so
// a few steps find the optimum. Pure functions; shapes: rows [n_samples, N], the first feature the constant 1.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"

namespace sotto {

inline double Sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// Solves a x = b by Gaussian elimination with pivoting. REQUIRES: a is symmetric positive definite.
template <size_t N>
std::array<double, N> SolveLinear(std::array<std::array<double, N>, N> a, std::array<double, N> b) {
  for (size_t i = 0; i < N; ++i) {
    size_t pivot = i;
    for (size_t r = i + 1; r < N; ++r) {
      if (std::abs(a[r][i]) > std::abs(a[pivot][i])) pivot = r;
    }
    std::swap(a[i], a[pivot]);
    std::swap(b[i], b[pivot]);
    for (size_t r = i + 1; r < N; ++r) {
      const double factor = a[r][i] / a[i][i];
      for (size_t c = i; c < N; ++c) a[r][c] -= factor * a[i][c];
      b[r] -= factor * b[i];
    }
  }
  std::array<double, N> x{};
  for (size_t i = N; i-- > 0;) {
    double rest = b[i];
    for (size_t c = i + 1; c < N; ++c) rest -= a[i][c] * x[c];
    x[i] = rest / a[i][i];
  }
  return x;
}

// REQUIRES: as many rows as outcomes.
template <size_t N>
std::array<double, N> FitLogistic(std::span<const std::array<double, N>> rows,
                                  const std::vector<bool>& outcomes, double ridge = 1.0) {
  SOTTO_CHECK(rows.size() == outcomes.size());
  std::array<double, N> weights{};
  for (int iteration = 0; iteration < 30; ++iteration) {
    std::array<std::array<double, N>, N> hessian{};
    std::array<double, N> gradient{};
    for (size_t i = 0; i < N; ++i) {
      hessian[i][i] = ridge;
      gradient[i] = -ridge * weights[i];
    }
    for (size_t n = 0; n < rows.size(); ++n) {
      const double p = Sigmoid(std::inner_product(weights.begin(), weights.end(), rows[n].begin(), 0.0));
      const double w = std::max(p * (1 - p), 1e-9);
      for (size_t i = 0; i < N; ++i) {
        gradient[i] += ((outcomes[n] ? 1.0 : 0.0) - p) * rows[n][i];
        for (size_t j = 0; j < N; ++j) hessian[i][j] += w * rows[n][i] * rows[n][j];
      }
    }
    const std::array<double, N> step = SolveLinear(hessian, gradient);
    double largest = 0;
    for (size_t i = 0; i < N; ++i) {
      weights[i] += std::clamp(step[i], -2.0, 2.0);
      largest = std::max(largest, std::abs(step[i]));
    }
    if (largest < 1e-6) break;
  }
  return weights;
}

}  // namespace sotto
