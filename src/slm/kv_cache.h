// The keys and values of one sequence of tokens: what a decoder remembers of a conversation.
//
// Layout: pages of kPageTokens positions, all layers in one page (KvLayout). Pages are counted references:
// copying a KvCache (Fork) shares them, writing into a shared page copies it first. So a fixed prefix is
// computed once and shared by any number of sessions, and a fork costs a few hundred nanoseconds. Beside the
// pages it keeps the tokens themselves and, for the last position, the normalised hidden state from which
// logits of further rows can be computed (Engine::LogitsAt). A value: one thread at a time. Different caches
// that share pages may be used on different threads. Source: paged attention (vLLM), with copy-on-write as in
// operating systems.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "nn/kv_page.h"
#include "slm/tokenizer.h"

namespace sotto {

// Where things lie in a page: one nn page (nn/kv_page.h) for each layer, layer after layer.
struct KvLayout {
  static constexpr int kPageTokens = static_cast<int>(KvPageLayout::kPositions);

  int n_layers = 0;
  KvPageLayout layer;

  bool operator==(const KvLayout& other) const {
    return n_layers == other.n_layers && layer.type == other.layer.type &&
           layer.n_kv_heads == other.layer.n_kv_heads && layer.head_dim == other.layer.head_dim;
  }

  size_t page_bytes() const { return layer.page_bytes() * static_cast<size_t>(n_layers); }
  size_t layer_offset(int layer_index) const { return layer.page_bytes() * static_cast<size_t>(layer_index); }
};

// Hands out pages and keeps some returned ones, so that decoding seldom allocates. Any thread. Outlives its
// pages' users because every page refers to it.
class KvPool {
 public:
  explicit KvPool(const KvLayout& layout) : layout_(layout) {}
  ~KvPool();
  KvPool(const KvPool&) = delete;
  KvPool& operator=(const KvPool&) = delete;

  const KvLayout& layout() const { return layout_; }
  // Pages in use by caches now; shared ones count once.
  int pages_in_use() const { return in_use_.load(); }

 private:
  friend class KvPage;
  static constexpr size_t kMaxFreeBytes = size_t{16} << 20;

  std::byte* Take();
  void Return(std::byte* data);

  const KvLayout layout_;
  std::mutex mutex_;
  std::vector<std::byte*> free_;
  std::atomic<int> in_use_{0};
};

// A counted reference to one page; null when default constructed.
class KvPage {
 public:
  KvPage() = default;
  explicit KvPage(const std::shared_ptr<KvPool>& pool);
  ~KvPage() { Release(); }
  KvPage(const KvPage& other);
  KvPage& operator=(const KvPage& other);
  KvPage(KvPage&& other) noexcept;
  KvPage& operator=(KvPage&& other) noexcept;

  std::byte* data() const { return block_->data; }
  bool shared() const { return block_->references.load(std::memory_order_acquire) > 1; }
  bool SameAs(const KvPage& other) const { return block_ == other.block_; }

 private:
  struct Block {
    std::atomic<int> references{1};
    std::shared_ptr<KvPool> pool;
    std::byte* data = nullptr;
  };

  void Release();

  Block* block_ = nullptr;
};

class KvCache {
 public:
  // Empty, without a pool: only assignment is allowed. Engine::NewCache makes usable ones.
  KvCache() = default;
  explicit KvCache(std::shared_ptr<KvPool> pool) : pool_(std::move(pool)) {}

  bool valid() const { return pool_ != nullptr; }
  const KvLayout& layout() const { return pool_->layout(); }
  const std::shared_ptr<KvPool>& pool() const { return pool_; }

  // Positions held; the next token gets position size().
  int size() const { return static_cast<int>(tokens_.size()); }
  std::span<const TokenId> tokens() const { return tokens_; }
  // How many of `tokens` from the start are already here.
  int CommonPrefix(std::span<const TokenId> tokens) const;

  // Forgets all positions >= n. REQUIRES: 0 <= n <= size().
  void Truncate(int n);
  // The same as a copy: shares all pages.
  KvCache Fork() const { return *this; }

  // Bytes of the pages, counting shared ones fully.
  size_t size_bytes() const { return pages_.size() * pool_->layout().page_bytes(); }

  // To a file and back. `model_id` (ModelId) must be that of the cache's model; Restore checks it, so that a
  // cache is never used with other weights. Errors name the file.
  Result<void> Snapshot(const std::filesystem::path& path, std::string_view model_id) const;
  Result<void> Restore(const std::filesystem::path& path, std::string_view model_id);

  // --- for the engine ---

  // Makes positions size() .. size() + n - 1 writable: new pages, copies of shared ones.
  void Reserve(int n);
  // The tokens of the positions that were written. REQUIRES: Reserve(tokens.size()).
  void Append(std::span<const TokenId> tokens);
  std::span<const KvPage> pages() const { return pages_; }
  // Normalised hidden state of position size() - 1; empty if unknown.
  std::span<const float> last_hidden() const { return last_hidden_; }
  void SetLastHidden(std::span<const float> hidden) { last_hidden_.assign(hidden.begin(), hidden.end()); }

 private:
  std::shared_ptr<KvPool> pool_;
  std::vector<KvPage> pages_;
  std::vector<TokenId> tokens_;
  std::vector<float> last_hidden_;
};

}  // namespace sotto
