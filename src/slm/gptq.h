// Rounding a matrix so that what it computes changes least, not its weights: GPTQ.
//
// With H = X^T X of the inputs x of the matrix, each row w is rounded column after column; the error of a
// column is spread over the columns that are not rounded yet, by the Cholesky factor U of H^-1 (upper):
//   e_j = (w_j - q_j) / U_jj,   w_k -= e_j U_jk  for k > j
// Scales belong to GGUF's blocks of 32: a block's scale is chosen when its first column is reached, from the
// weights as they are then, for the least sum of (w - q)^2 / U_jj^2 (tried around the largest weight, both
// signs). Source: Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ", ICLR 2023 (arXiv 2210.17323), groups without
// act-order.
//
// Pure functions; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/error.h"
#include "nn/block_formats.h"

namespace sotto {

// U of H^-1 = U^T U, upper triangular, row-major [n][n]. `damp`: this share of the mean of H's diagonal is
// added to it; columns that never saw an input get the mean. Raised tenfold (up to 1) until H is positive
// definite. kCorrupt: it never is (not finite).
Result<std::vector<double>> InverseFactor(std::span<const double> h, size_t n, double damp);

// True for Q4_0 and Q8_0.
bool CanGptq(DType type);

// Rounds one row; `w` is changed on the way. `u`: InverseFactor. REQUIRES: CanGptq(type), w.size() == n a
// multiple of 32, out.size() == RowBytes(type, n).
void GptqRow(DType type, std::span<float> w, std::span<const double> u, std::span<std::byte> out);

// Rounds each block of a row for itself, the scale chosen for the least sum of weight[j] (w - q)^2: what GPTQ
// does without spreading errors. `weight` [n], >= 0.
void WeightedRow(DType type, std::span<const float> w, std::span<const double> weight,
                 std::span<std::byte> out);

// (a - b) H (a - b)^T: the squared error of what the row computes, for inputs with H.
double OutputError(std::span<const float> a, std::span<const float> b, std::span<const double> h);

}  // namespace sotto
