#include "slm/kv_cache.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/mapped_file.h"

namespace sotto {
namespace {

static_assert(std::endian::native == std::endian::little, "snapshots are little-endian");

constexpr char kSnapshotMagic[8] = {'S', 'O', 'T', 'T', 'O', 'K', 'V', '1'};

// Opens a snapshot file; then the tokens (i32), the hidden state (f32), and the pages whole.
struct SnapshotHeader {
  char magic[8];
  char model_id[32];
  uint32_t n_layers;
  uint32_t n_kv_heads;
  uint32_t head_dim;
  uint32_t type;
  uint32_t page_tokens;
  uint32_t n_tokens;
  uint32_t n_hidden;
  uint32_t n_pages;
};

// From this size on pages are mapped by themselves: the kernel gives zeroed huge pages, and takes them back
// at once.
constexpr size_t kSmallPage = 4096;
constexpr size_t kMapped = size_t{1} << 20;
constexpr size_t kHugePage = size_t{2} << 20;

// Zeroed: kernels read whole pages, and what they do not use must still be numbers.
std::byte* AllocatePage(size_t bytes) {
  if (bytes < kMapped) {
    void* data = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    SOTTO_CHECK(data != nullptr, "out of memory for a cache page of {} bytes", bytes);
    std::memset(data, 0, bytes);
    return static_cast<std::byte*>(data);
  }
  // More than needed, so that the part kept can begin at a huge page.
  const size_t size = bytes + kHugePage;
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SOTTO_CHECK(mapped != MAP_FAILED, "out of memory for a cache page of {} bytes", bytes);
  const auto start = reinterpret_cast<uintptr_t>(mapped);
  const uintptr_t aligned = (start + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t end = (aligned + bytes + kSmallPage - 1) / kSmallPage * kSmallPage;
  if (aligned > start) munmap(mapped, aligned - start);
  if (end < start + size) munmap(reinterpret_cast<void*>(end), start + size - end);
  madvise(reinterpret_cast<void*>(aligned), end - aligned, MADV_HUGEPAGE);
  return reinterpret_cast<std::byte*>(aligned);
}

void FreePage(std::byte* data, size_t bytes) {
  if (bytes < kMapped) {
    std::free(data);
  } else {
    munmap(data, (bytes + kSmallPage - 1) / kSmallPage * kSmallPage);
  }
}

}  // namespace

KvPool::~KvPool() {
  for (std::byte* data : free_) FreePage(data, layout_.page_bytes());
}

std::byte* KvPool::Take() {
  in_use_.fetch_add(1);
  {
    std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      std::byte* data = free_.back();
      free_.pop_back();
      return data;
    }
  }
  return AllocatePage(layout_.page_bytes());
}

void KvPool::Return(std::byte* data) {
  in_use_.fetch_sub(1);
  {
    std::lock_guard lock(mutex_);
    if (free_.empty() || (free_.size() + 1) * layout_.page_bytes() <= kMaxFreeBytes) {
      free_.push_back(data);
      return;
    }
  }
  FreePage(data, layout_.page_bytes());
}

KvPage::KvPage(const std::shared_ptr<KvPool>& pool) : block_(new Block) {
  block_->pool = pool;
  block_->data = pool->Take();
}

KvPage::KvPage(const KvPage& other) : block_(other.block_) {
  if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
}

KvPage& KvPage::operator=(const KvPage& other) {
  KvPage copy(other);
  std::swap(block_, copy.block_);
  return *this;
}

KvPage::KvPage(KvPage&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}

KvPage& KvPage::operator=(KvPage&& other) noexcept {
  std::swap(block_, other.block_);
  return *this;
}

void KvPage::Release() {
  if (block_ == nullptr) return;
  if (block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    block_->pool->Return(block_->data);
    delete block_;
  }
  block_ = nullptr;
}

int KvCache::CommonPrefix(std::span<const TokenId> tokens) const {
  const auto [mine, theirs] = std::ranges::mismatch(tokens_, tokens);
  return static_cast<int>(mine - tokens_.begin());
}

void KvCache::Truncate(int n) {
  SOTTO_CHECK(n >= 0 && n <= size(), "truncate {} positions to {}", size(), n);
  if (n == size()) return;
  tokens_.resize(static_cast<size_t>(n));
  pages_.resize((static_cast<size_t>(n) + KvLayout::kPageTokens - 1) / KvLayout::kPageTokens);
  last_hidden_.clear();
}

void KvCache::Reserve(int n) {
  SOTTO_CHECK(valid() && n >= 0);
  if (n == 0) return;
  const size_t first = tokens_.size() / KvLayout::kPageTokens;
  const size_t end =
      (tokens_.size() + static_cast<size_t>(n) + KvLayout::kPageTokens - 1) / KvLayout::kPageTokens;
  if (first < pages_.size() && pages_[first].shared()) {
    KvPage copy(pool_);
    std::memcpy(copy.data(), pages_[first].data(), layout().page_bytes());
    pages_[first] = std::move(copy);
  }
  while (pages_.size() < end) pages_.emplace_back(pool_);
}

void KvCache::Append(std::span<const TokenId> tokens) {
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  SOTTO_CHECK(tokens_.size() <= pages_.size() * KvLayout::kPageTokens);
  last_hidden_.clear();
}

Result<void> KvCache::Snapshot(const std::filesystem::path& path, std::string_view model_id) const {
  SOTTO_CHECK(valid());
  SnapshotHeader header{};
  std::memcpy(header.magic, kSnapshotMagic, sizeof kSnapshotMagic);
  model_id.copy(header.model_id, sizeof header.model_id);
  header.n_layers = static_cast<uint32_t>(layout().n_layers);
  header.n_kv_heads = static_cast<uint32_t>(layout().layer.n_kv_heads);
  header.head_dim = static_cast<uint32_t>(layout().layer.head_dim);
  header.type = static_cast<uint32_t>(layout().layer.type);
  header.page_tokens = KvLayout::kPageTokens;
  header.n_tokens = static_cast<uint32_t>(tokens_.size());
  header.n_hidden = static_cast<uint32_t>(last_hidden_.size());
  header.n_pages = static_cast<uint32_t>(pages_.size());

  std::string contents;
  contents.reserve(sizeof header + tokens_.size() * sizeof(TokenId) + last_hidden_.size() * sizeof(float) +
                   size_bytes());
  contents.append(reinterpret_cast<const char*>(&header), sizeof header);
  contents.append(reinterpret_cast<const char*>(tokens_.data()), tokens_.size() * sizeof(TokenId));
  contents.append(reinterpret_cast<const char*>(last_hidden_.data()), last_hidden_.size() * sizeof(float));
  for (const KvPage& page : pages_) {
    contents.append(reinterpret_cast<const char*>(page.data()), layout().page_bytes());
  }
  return WriteFileAtomically(path, contents);
}

Result<void> KvCache::Restore(const std::filesystem::path& path, std::string_view model_id) {
  SOTTO_CHECK(valid());
  SOTTO_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const std::span<const std::byte> bytes = file.bytes();
  SnapshotHeader header{};
  if (bytes.size() < sizeof header)
    return MakeError(ErrorCode::kCorrupt, "{}: no cache snapshot", path.string());
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, kSnapshotMagic, sizeof kSnapshotMagic) != 0) {
    return MakeError(ErrorCode::kCorrupt, "{}: no cache snapshot", path.string());
  }
  SnapshotHeader wanted = header;
  std::memset(wanted.model_id, 0, sizeof wanted.model_id);
  model_id.copy(wanted.model_id, sizeof wanted.model_id);
  wanted.n_layers = static_cast<uint32_t>(layout().n_layers);
  wanted.n_kv_heads = static_cast<uint32_t>(layout().layer.n_kv_heads);
  wanted.head_dim = static_cast<uint32_t>(layout().layer.head_dim);
  wanted.type = static_cast<uint32_t>(layout().layer.type);
  wanted.page_tokens = KvLayout::kPageTokens;
  if (std::memcmp(&wanted, &header, sizeof header) != 0) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: cache snapshot of another model", path.string());
  }
  const uint64_t n_pages = (uint64_t{header.n_tokens} + KvLayout::kPageTokens - 1) / KvLayout::kPageTokens;
  const uint64_t size_wanted = sizeof header + uint64_t{header.n_tokens} * sizeof(TokenId) +
                               uint64_t{header.n_hidden} * sizeof(float) + n_pages * layout().page_bytes();
  if (n_pages != header.n_pages || size_wanted != bytes.size()) {
    return MakeError(ErrorCode::kCorrupt, "{}: cache snapshot has {} bytes, expected {}", path.string(),
                     bytes.size(), size_wanted);
  }

  Truncate(0);
  Reserve(static_cast<int>(header.n_tokens));
  const std::byte* next = bytes.data() + sizeof header;
  tokens_.resize(header.n_tokens);
  std::memcpy(tokens_.data(), next, tokens_.size() * sizeof(TokenId));
  next += tokens_.size() * sizeof(TokenId);
  last_hidden_.resize(header.n_hidden);
  std::memcpy(last_hidden_.data(), next, last_hidden_.size() * sizeof(float));
  next += last_hidden_.size() * sizeof(float);
  for (const KvPage& page : pages_) {
    std::memcpy(page.data(), next, layout().page_bytes());
    next += layout().page_bytes();
  }
  return {};
}

}  // namespace sotto
