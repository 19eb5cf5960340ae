// The passages' vectors as a FAISS index: exact for few, an inverted file for many (vectors.faiss). Internal to the
// layer: FAISS's headers stay in its .cc.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"

namespace sotto {

class VectorFile {
 public:
  // Below it every vector is compared.
  static constexpr size_t kExact = 20'000;

  // `vectors`: [n, size], of length 1 each.
  static Result<void> Write(const std::filesystem::path& path, std::span<const float> vectors, size_t size);
  // kCorrupt names the file: no index, or of another size.
  static Result<std::unique_ptr<VectorFile>> Open(const std::filesystem::path& path, size_t size, size_t n);
  ~VectorFile();

  // The `k` nearest, as (ordinal, cosine). Any thread.
  std::vector<std::pair<size_t, float>> Nearest(std::span<const float> vector, size_t k) const;
  // The cosine with one of them.
  float Cosine(size_t ordinal, std::span<const float> vector) const;

 private:
  struct Impl;
  explicit VectorFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sotto
