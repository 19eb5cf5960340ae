#include "retrieve/lsa.h"

#include <algorithm>
#include <cmath>
#include <random>

// LAPACK and BLAS, which FAISS needs too.
extern "C" {
void ssyev_(const char* jobz, const char* uplo, const int* n, float* a, const int* lda, float* w, float* work,
            const int* lwork, int* info);
void sgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
            const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
            const float* beta, float* c, const int* ldc);
}

// Of OpenBLAS; another BLAS has it not.
extern "C" void openblas_set_num_threads(int threads) __attribute__((weak));

namespace sotto {
namespace {

// Dense matrices here are row after row: [n_rows, width].
using Dense = std::vector<float>;

// out [rows, width] = rows * in [columns, width]
Dense Times(const SparseRows& rows, const Dense& in, size_t width) {
  Dense out(rows.size() * width, 0.0f);
  for (size_t i = 0; i < rows.size(); ++i) {
    float* to = out.data() + i * width;
    for (const auto& entry : rows.row(i)) {
      const float* from = in.data() + entry.column * width;
      for (size_t k = 0; k < width; ++k) to[k] += entry.value * from[k];
    }
  }
  return out;
}

// out [columns, width] = transposed rows * in [rows, width]
Dense TimesTransposed(const SparseRows& rows, const Dense& in, size_t width) {
  Dense out(rows.n_columns * width, 0.0f);
  for (size_t i = 0; i < rows.size(); ++i) {
    const float* from = in.data() + i * width;
    for (const auto& entry : rows.row(i)) {
      float* to = out.data() + entry.column * width;
      for (size_t k = 0; k < width; ++k) to[k] += entry.value * from[k];
    }
  }
  return out;
}

// [width, width] = in' in
Dense Gram(const Dense& in, size_t width) {
  Dense gram(width * width);
  const int w = static_cast<int>(width);
  const int n = static_cast<int>(in.size() / width);
  const float one = 1;
  const float zero = 0;
  // Column order: `in` is [width, n].
  sgemm_("N", "T", &w, &w, &n, &one, in.data(), &w, in.data(), &w, &zero, gram.data(), &w);
  return gram;
}

// Eigenvalues ascending; row i of `vectors` is the vector of value i.
void Eigen(Dense& vectors, std::vector<float>& values, size_t width) {
  const int n = static_cast<int>(width);
  values.resize(width);
  int info = 0;
  int lwork = -1;
  float wanted = 0;
  ssyev_("V", "U", &n, vectors.data(), &n, values.data(), &wanted, &lwork, &info);
  lwork = static_cast<int>(wanted);
  std::vector<float> work(static_cast<size_t>(std::max(lwork, 3 * n)));
  lwork = static_cast<int>(work.size());
  ssyev_("V", "U", &n, vectors.data(), &n, values.data(), work.data(), &lwork, &info);
}

// in [n, width] * (eigenvectors of the `kept` largest values, each divided by the root of its value): [n, kept].
// Of in's Gram matrix that makes orthonormal columns.
Dense Rotate(const Dense& in, size_t width, size_t kept) {
  Dense vectors = Gram(in, width);
  std::vector<float> values;
  Eigen(vectors, values, width);
  const float least = std::max(values.back(), 1e-12f) * 1e-7f;
  Dense basis(kept * width, 0.0f);  // column order [width, kept], the largest value first
  for (size_t k = 0; k < kept; ++k) {
    const size_t from = width - 1 - k;
    const float scale = values[from] > least ? 1.0f / std::sqrt(values[from]) : 0.0f;
    for (size_t i = 0; i < width; ++i) basis[k * width + i] = vectors[from * width + i] * scale;
  }
  const size_t rows = in.size() / width;
  Dense out(rows * kept);
  const int m = static_cast<int>(kept);
  const int n = static_cast<int>(rows);
  const int w = static_cast<int>(width);
  const float one = 1;
  const float zero = 0;
  sgemm_("T", "N", &m, &n, &w, &one, basis.data(), &w, in.data(), &w, &zero, out.data(), &m);
  return out;
}

}  // namespace

void UseOneBlasThread() {
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
}

void Normalise(std::span<float> vector) {
  double sum = 0;
  for (const float value : vector) sum += static_cast<double>(value) * static_cast<double>(value);
  if (sum <= 0) return;
  const auto scale = static_cast<float>(1.0 / std::sqrt(sum));
  for (float& value : vector) value *= scale;
}

TermSpace FitTermSpace(const SparseRows& rows, size_t wanted, uint64_t seed,
                       const std::function<void(double)>& progress) {
  UseOneBlasThread();
  TermSpace space;
  const size_t most = std::min(rows.size(), rows.n_columns);
  space.size = std::min(wanted, most);
  if (space.size == 0) return space;
  const size_t width = std::min(space.size + 16, most);
  const auto tell = [&](double share) {
    if (progress) progress(share);
  };
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  Dense z(rows.n_columns * width);
  for (float& value : z) value = normal(random);
  constexpr int kIterations = 2;
  for (int i = 0; i <= kIterations; ++i) {
    const Dense q = Rotate(Times(rows, z, width), width, width);
    tell((i + 0.5) / (kIterations + 1));
    z = TimesTransposed(rows, q, width);
    tell((i + 1.0) / (kIterations + 1));
  }
  // z = V S U' of the matrix as far as the subspace holds it: its rotation has V's columns.
  space.vectors = Rotate(z, width, space.size);
  return space;
}

std::vector<float> ProjectRows(const SparseRows& rows, const TermSpace& space) {
  std::vector<float> out = Times(rows, space.vectors, space.size);
  for (size_t i = 0; i < rows.size(); ++i) Normalise({out.data() + i * space.size, space.size});
  return out;
}

}  // namespace sotto
