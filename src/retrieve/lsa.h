// Meaning by what occurs together: latent semantic analysis of the passages of an index. Terms and passages become
// vectors of one space; a question's vector is the sum of its terms', and passages near it are about the same even
// where they share few of its words. Learned here from the passages alone, in seconds: no other data, no licence.
//
//   weights   (1 + ln count) * idf, each passage of length 1
//   space     the `size` largest singular vectors by randomised subspace iteration; deterministic by seed
//
// Source: Deerwester et al. 1990; Halko, Martinsson and Tropp 2011 (algorithm 4.4). Pure functions, one thread each.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace sotto {

// Rows of a sparse matrix: row i is entries [begins[i], begins[i + 1]).
struct SparseRows {
  struct Entry {
    uint32_t column = 0;
    float value = 0;
  };
  std::vector<size_t> begins = {0};
  std::vector<Entry> entries;
  size_t n_columns = 0;

  size_t size() const { return begins.size() - 1; }
  std::span<const Entry> row(size_t i) const {
    return {entries.data() + begins[i], begins[i + 1] - begins[i]};
  }
};

// [n_columns, size], row after row: the vector of each column (term). `size` is what was possible: at most `wanted`,
// less where the matrix has fewer rows or columns. `progress` is told shares 0..1.
struct TermSpace {
  size_t size = 0;
  std::vector<float> vectors;
};
TermSpace FitTermSpace(const SparseRows& rows, size_t wanted, uint64_t seed,
                       const std::function<void(double)>& progress = {});

// [rows.size(), space.size], each of length 1 (or 0: a row of no term).
std::vector<float> ProjectRows(const SparseRows& rows, const TermSpace& space);

// BLAS on the calling thread alone, in this process from now on: OpenBLAS's threads wait for each other by turning, which
// on a busy machine takes ten times as long as one thread does.
void UseOneBlasThread();

// Makes it length 1; leaves zeros alone.
void Normalise(std::span<float> vector);

}  // namespace sotto
