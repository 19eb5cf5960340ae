// What was understood before, found by what is said and not by how. It is asked after the specialist, with the
// specialist's own best guess, and an entry is found in one of two ways:
//
//   agreement    what was understood then with confidence is what the specialist guesses now, and the sentences
//                are near each other: two that agree, where one alone was unsure
//   correction   then the specialist guessed the same, and somebody better (a larger model) said otherwise: that
//                again, where every telling word is the same
//
// In both nothing that turns a meaning round may differ (same_meaning.h): numbers, days, negations, opposites.
// Entries that fit and contradict each other are no answer. Acts are never in it (RoutePlan::keep_for).
//
// Only sentences whose guess is the same are compared, so that the size of the whole does not count: under a
// millisecond besides the vector of what is said, which takes a few. Vectors are made when they are first
// needed. Any thread.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "embed/sentence_encoder.h"
#include "route/answer_cache.h"
#include "text/language_data.h"

namespace sotto {

class SemanticCache {
 public:
  struct Options {
    size_t most = 10000;      // entries
    double similarity = 0.7;  // cosine, from which on an agreement counts
  };
  struct Counters {
    uint64_t agreements = 0;
    uint64_t corrections = 0;
    uint64_t misses = 0;
    size_t entries = 0;
  };

  // `clock` outlives it. `encoder` null: sentences are compared by their letters (trigrams), which finds fewer.
  SemanticCache(const Clock& clock, std::shared_ptr<const LanguageData> language,
                std::shared_ptr<const SentenceEncoder> encoder, Options options);

  // What the scope's next turn, `said`, means; kNotFound: nobody has said the like. Takes milliseconds.
  Result<Understanding> Find(const CacheScope& scope, std::string_view said, const Understanding& guess);

  // `answer` was believed for `said`, of which the specialist guessed `guess` (the answer itself, where it was
  // the specialist's).
  void Keep(const CacheScope& scope, std::string_view said, const Understanding& guess,
            const Understanding& answer, Duration ttl, std::vector<std::string> tags);
  // Everything with that tag; empty: everything.
  void Forget(const std::string& tag);
  Counters counters() const;

 private:
  struct Entry {
    std::string said;
    std::vector<float> vector;  // empty: not made yet
    Understanding answer;
    std::string calls;  // of the answer, as text
    bool corrected = false;
    TimePoint ends;
    std::vector<std::string> tags;
    uint64_t number = 0;  // the older, the smaller
  };
  using Bucket = std::deque<std::shared_ptr<Entry>>;  // oldest first

  std::vector<float> VectorOf(std::string_view said) const;
  void DropOldest();

  const Clock& clock_;
  const std::shared_ptr<const LanguageData> language_;
  const std::shared_ptr<const SentenceEncoder> encoder_;
  const Options options_;
  mutable std::mutex mutex_;
  // All below are guarded by mutex_; entries change only in their vector.
  std::unordered_map<std::string, Bucket> buckets_;        // by scope and guess
  std::deque<std::pair<uint64_t, std::string>> in_order_;  // number and bucket of each entry
  uint64_t kept_ = 0;
  Counters counters_;
};

}  // namespace sotto
