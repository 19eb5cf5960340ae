// The cache in the process (timed_lru.h). Any thread.
#pragma once

#include "route/answer_cache.h"
#include "route/timed_lru.h"

namespace sotto {

class ExactCache final : public AnswerCache {
 public:
  // `clock` outlives it. Bounds: entries, and bytes of the whole (about).
  ExactCache(const Clock& clock, size_t most_entries, size_t most_bytes = size_t{64} << 20)
      : kept_(clock, most_entries, most_bytes) {}

  void Find(const std::string& key, Found found) override { found(Find(key)); }
  std::optional<Understanding> Find(const std::string& key) { return kept_.Find(key); }
  void Keep(const std::string& key, const Understanding& understanding, Duration ttl,
            const std::vector<std::string>& tags) override;
  void Forget(const std::string& tag) override { kept_.Forget(tag); }
  Counters counters() const override;

 private:
  TimedLru<Understanding> kept_;
};

}  // namespace sotto
