#include "retrieve/vector_file.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/index_io.h>
#include <omp.h>

#include <cmath>
#include <numeric>

#include "retrieve/lsa.h"

namespace sotto {

struct VectorFile::Impl {
  std::unique_ptr<faiss::Index> index;
};

VectorFile::VectorFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VectorFile::~VectorFile() = default;

Result<void> VectorFile::Write(const std::filesystem::path& path, std::span<const float> vectors,
                               size_t size) {
  // One thread: a pool of OpenMP's would not survive the fork of a document reader.
  omp_set_num_threads(1);
  UseOneBlasThread();
  try {
    const size_t n = size == 0 ? 0 : vectors.size() / size;
    const auto d = static_cast<faiss::Index::idx_t>(size);
    if (n < kExact) {
      faiss::IndexFlatIP index(d);
      index.add(static_cast<faiss::Index::idx_t>(n), vectors.data());
      faiss::write_index(&index, path.c_str());
      return {};
    }
    const auto lists = static_cast<size_t>(2 * std::sqrt(static_cast<double>(n)));
    faiss::IndexFlatIP coarse(d);
    faiss::IndexIVFFlat index(&coarse, size, lists, faiss::METRIC_INNER_PRODUCT);
    index.cp.niter = 8;
    index.cp.max_points_per_centroid = 64;
    index.train(static_cast<faiss::Index::idx_t>(n), vectors.data());
    index.add(static_cast<faiss::Index::idx_t>(n), vectors.data());
    faiss::write_index(&index, path.c_str());
    return {};
  } catch (const std::exception& error) {
    return MakeError(ErrorCode::kIo, "{}: FAISS: {}", path.string(), error.what());
  }
}

Result<std::unique_ptr<VectorFile>> VectorFile::Open(const std::filesystem::path& path, size_t size,
                                                     size_t n) {
  omp_set_num_threads(1);
  try {
    auto impl = std::make_unique<Impl>();
    impl->index.reset(faiss::read_index(path.c_str()));
    if (static_cast<size_t>(impl->index->d) != size || static_cast<size_t>(impl->index->ntotal) != n) {
      return MakeError(ErrorCode::kCorrupt,
                       "{}: {} vectors of {} numbers, and the index has {} passages of {}", path.string(),
                       impl->index->ntotal, impl->index->d, n, size);
    }
    if (auto* lists = dynamic_cast<faiss::IndexIVF*>(impl->index.get())) {
      lists->nprobe = std::max<size_t>(16, lists->nlist / 24);
      lists->make_direct_map();
    }
    return std::unique_ptr<VectorFile>(new VectorFile(std::move(impl)));
  } catch (const std::exception& error) {
    return MakeError(ErrorCode::kCorrupt, "{}: FAISS: {}", path.string(), error.what());
  }
}

std::vector<std::pair<size_t, float>> VectorFile::Nearest(std::span<const float> vector, size_t k) const {
  k = std::min(k, static_cast<size_t>(impl_->index->ntotal));
  std::vector<std::pair<size_t, float>> found;
  if (k == 0 || vector.empty()) return found;
  std::vector<float> scores(k);
  std::vector<faiss::Index::idx_t> ids(k);
  omp_set_num_threads(1);  // of this thread
  impl_->index->search(1, vector.data(), static_cast<faiss::Index::idx_t>(k), scores.data(), ids.data());
  for (size_t i = 0; i < k; ++i)
    if (ids[i] >= 0) found.emplace_back(static_cast<size_t>(ids[i]), scores[i]);
  return found;
}

float VectorFile::Cosine(size_t ordinal, std::span<const float> vector) const {
  std::vector<float> other(vector.size());
  impl_->index->reconstruct(static_cast<faiss::Index::idx_t>(ordinal), other.data());
  return std::inner_product(vector.begin(), vector.end(), other.begin(), 0.0f);
}

}  // namespace sotto
