// A bounded store in the process: the least recently used goes first, old entries go when they are met. Any
// thread; an access takes a lock for less than a microsecond.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace sotto {

template <typename Value>
class TimedLru {
 public:
  struct Counters {
    uint64_t hits = 0;
    uint64_t misses = 0;
    uint64_t kept = 0;
    uint64_t dropped = 0;  // for room, or too old
    size_t entries = 0;
    size_t bytes = 0;  // about
  };

  // `clock` outlives it. Bounds: entries, and bytes of the whole (about).
  TimedLru(const Clock& clock, size_t most_entries, size_t most_bytes)
      : clock_(clock), most_entries_(most_entries), most_bytes_(most_bytes) {}

  std::optional<Value> Find(const std::string& key) {
    const TimePoint now = clock_.Now();
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) {
      ++counters_.misses;
      return std::nullopt;
    }
    const typename Entries::iterator entry = found->second;
    if (now >= entry->ends) {
      Erase(entry);
      ++counters_.dropped;
      ++counters_.misses;
      return std::nullopt;
    }
    entries_.splice(entries_.begin(), entries_, entry);
    ++counters_.hits;
    return entry->value;
  }

  // For `ttl` from now, in place of what stood there. `bytes`: of the value, about.
  void Keep(const std::string& key, Value value, size_t bytes, Duration ttl, std::vector<std::string> tags) {
    if (ttl <= Duration::zero() || most_entries_ == 0) return;
    Entry entry{key, std::move(value), clock_.Now() + ttl, std::move(tags),
                sizeof(Entry) + key.size() + bytes};
    const std::lock_guard lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) Erase(found->second);
    bytes_ += entry.bytes;
    entries_.push_front(std::move(entry));
    by_key_.emplace(entries_.front().key, entries_.begin());
    ++counters_.kept;
    while (!entries_.empty() && (entries_.size() > most_entries_ || bytes_ > most_bytes_)) {
      Erase(std::prev(entries_.end()));
      ++counters_.dropped;
    }
  }

  // Everything with that tag; empty: everything.
  void Forget(const std::string& tag) {
    const std::lock_guard lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      const auto next = std::next(entry);
      if (tag.empty() || std::find(entry->tags.begin(), entry->tags.end(), tag) != entry->tags.end())
        Erase(entry);
      entry = next;
    }
  }

  Counters counters() const {
    const std::lock_guard lock(mutex_);
    Counters counters = counters_;
    counters.entries = entries_.size();
    counters.bytes = bytes_;
    return counters;
  }

 private:
  struct Entry {
    std::string key;
    Value value;
    TimePoint ends;
    std::vector<std::string> tags;
    size_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // most recently used first

  void Erase(typename Entries::iterator entry) {
    bytes_ -= entry->bytes;
    by_key_.erase(entry->key);
    entries_.erase(entry);
  }

  const Clock& clock_;
  const size_t most_entries_;
  const size_t most_bytes_;
  mutable std::mutex mutex_;
  // All below are guarded by mutex_.
  Entries entries_;
  std::unordered_map<std::string_view, typename Entries::iterator> by_key_;  // views of the entries' keys
  size_t bytes_ = 0;
  Counters counters_;
};

}  // namespace sotto
