// The cache in the process: least recently used goes first, old entries go when they are met. Any thread; an
// access takes a lock for less than a microsecond.
#pragma once

#include <list>
#include <mutex>
#include <unordered_map>

#include "route/answer_cache.h"

namespace sotto {

class ExactCache final : public AnswerCache {
 public:
  // `clock` outlives it. Bounds: entries, and bytes of the whole (about).
  ExactCache(const Clock& clock, size_t most_entries, size_t most_bytes = size_t{64} << 20)
      : clock_(clock), most_entries_(most_entries), most_bytes_(most_bytes) {}

  void Find(const std::string& key, Found found) override { found(Find(key)); }
  std::optional<Understanding> Find(const std::string& key);
  void Keep(const std::string& key, const Understanding& understanding, Duration ttl,
            const std::vector<std::string>& tags) override;
  void Forget(const std::string& tag) override;
  Counters counters() const override;

 private:
  struct Entry {
    std::string key;
    Understanding understanding;
    TimePoint ends;
    std::vector<std::string> tags;
    size_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // most recently used first

  void Erase(Entries::iterator entry);

  const Clock& clock_;
  const size_t most_entries_;
  const size_t most_bytes_;
  mutable std::mutex mutex_;
  // All below are guarded by mutex_.
  Entries entries_;
  std::unordered_map<std::string_view, Entries::iterator> by_key_;  // views of the entries' keys
  size_t bytes_ = 0;
  Counters counters_;
};

}  // namespace sotto
