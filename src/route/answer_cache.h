// What was understood before, kept for whoever says the same in the same place. Only understandings are kept:
// never a result, never an act. The key is a SHA-256 over everything that an understanding depends on
// (CacheKey), so that a hit is what the same models would say again, whoever is calling.
//
// Layers of it share one interface: in the process (exact_cache.h), in Redis for several processes
// (redis_cache.h), in another Sotto for several machines (central_cache.h), the one before the other (LayeredCache).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/conversation.h"
#include "core/understanding.h"

namespace sotto {

// What one turn's understanding depends on.
struct CacheScope {
  std::string fingerprint;  // of workflow, models, thresholds and tenant: the route's
  Conversation history;     // with its tools, channel and day
  Expectation expectation;
  std::vector<std::string> offered;
};

// The words as they count: case, punctuation that changes nothing and hesitations at either end ("um") are
// gone; a question mark, and what separates words that may be numbers, stays. Empty: nothing was said.
std::string CacheText(std::string_view utterance);

// 64 hexadecimal digits. Some 5 us and 1 us for each turn before.
std::string CacheKey(const CacheScope& scope, std::string_view utterance);

class AnswerCache {
 public:
  using Found = std::function<void(std::optional<Understanding>)>;
  struct Counters {
    uint64_t hits = 0;
    uint64_t misses = 0;
    uint64_t kept = 0;
    uint64_t dropped = 0;  // for room, or too old
    uint64_t failed = 0;   // could not be asked
    size_t entries = 0;    // now; 0 where that is not known
    size_t bytes = 0;      // about
  };

  virtual ~AnswerCache() = default;

  // Never waits. `found` is told once, from any thread, possibly before this returns, and neither waits nor
  // throws; nullopt: not there, too old, damaged, or the cache cannot be reached.
  virtual void Find(const std::string& key, Found found) = 0;
  // For `ttl` from now. `tag`: what Forget takes ("banking", "banking/check_balance").
  virtual void Keep(const std::string& key, const Understanding& understanding, Duration ttl,
                    const std::vector<std::string>& tags) = 0;
  // Everything with that tag; empty: everything.
  virtual void Forget(const std::string& tag) = 0;
  virtual Counters counters() const = 0;
  // Whether what it finds was written by this process alone, and needs no second look.
  virtual bool trusted() const { return true; }
};

// One that others share, somewhere else.
class SharedCache : public AnswerCache {
 public:
  bool trusted() const override { return false; }
  // Waits until everything kept so far is there; for tests and `sotto cache`.
  virtual void Settle() = 0;
  // Entries there are, of whoever wrote them; blocks.
  virtual Result<size_t> Count() = 0;
  // As Forget, but blocks, and says how many went.
  virtual Result<size_t> Remove(const std::string& tag) = 0;
};

// The nearest first; what a later one finds is kept for `near_ttl` in the first.
class LayeredCache final : public AnswerCache {
 public:
  // `near_is_own`: only this process keeps in the near one, which is emptied where anything is forgotten: its copies have no
  // tags. Of one that is shared only what has the tag goes, and copies live on for `near_ttl`.
  LayeredCache(std::shared_ptr<AnswerCache> near, std::shared_ptr<AnswerCache> far, Duration near_ttl,
               bool near_is_own = true)
      : near_(std::move(near)), far_(std::move(far)), near_ttl_(near_ttl), near_is_own_(near_is_own) {}

  void Find(const std::string& key, Found found) override {
    near_->Find(key, [near = near_, far = far_, ttl = near_ttl_, key,
                      found = std::move(found)](std::optional<Understanding> hit) mutable {
      if (hit) return found(std::move(hit));
      far->Find(key, [near, ttl, key, found = std::move(found)](std::optional<Understanding> second) {
        if (second) near->Keep(key, *second, ttl, {});
        found(std::move(second));
      });
    });
  }
  void Keep(const std::string& key, const Understanding& understanding, Duration ttl,
            const std::vector<std::string>& tags) override {
    near_->Keep(key, understanding, ttl, tags);
    far_->Keep(key, understanding, ttl, tags);
  }
  void Forget(const std::string& tag) override {
    near_->Forget(near_is_own_ ? "" : tag);
    far_->Forget(tag);
  }
  Counters counters() const override { return near_->counters(); }
  bool trusted() const override { return false; }

 private:
  const std::shared_ptr<AnswerCache> near_;
  const std::shared_ptr<AnswerCache> far_;
  const Duration near_ttl_;
  const bool near_is_own_;
};

}  // namespace sotto
