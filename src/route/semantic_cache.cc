#include "route/semantic_cache.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "base/sha256.h"
#include "route/same_meaning.h"

namespace sotto {
namespace {

constexpr size_t kMostInABucket = 256;
constexpr size_t kLetterBuckets = 512;  // of trigrams

std::string CallsText(const Understanding& understanding) {
  std::string text;
  for (const Understanding::Call& call : understanding.calls)
    text += call.call.name + " " + call.call.arguments.dump() + "\n";
  return text;
}

// What the specialist could not know better is the same: what is served, what stands, what is offered, and what
// it made of the words.
std::string BucketOf(const CacheScope& scope, const Understanding& guess) {
  std::string text = fmt::format("{}\n{}\n{}\n", scope.fingerprint, static_cast<int>(scope.expectation.kind),
                                 scope.expectation.tool);
  for (const std::string& slot : scope.expectation.slots) text += slot + " ";
  text += '\n';
  for (const std::string& tool : scope.offered) text += tool + " ";
  return Sha256(text + "\n" + CallsText(guess));
}

// Trigrams of letters, hashed; length 1.
std::vector<float> LetterVector(std::string_view said) {
  std::vector<float> vector(kLetterBuckets, 0.0F);
  const std::string text = " " + CacheText(said) + " ";
  for (size_t i = 0; i + 3 <= text.size(); ++i)
    vector[Fnv1a(std::string_view(text).substr(i, 3)) % kLetterBuckets] += 1;
  double square = 0;
  for (const float value : vector) square += static_cast<double>(value) * value;
  if (square > 0) {
    for (float& value : vector) value = static_cast<float>(value / std::sqrt(square));
  }
  return vector;
}

}  // namespace

SemanticCache::SemanticCache(const Clock& clock, std::shared_ptr<const LanguageData> language,
                             std::shared_ptr<const SentenceEncoder> encoder, Options options)
    : clock_(clock), language_(std::move(language)), encoder_(std::move(encoder)), options_(options) {}

std::vector<float> SemanticCache::VectorOf(std::string_view said) const {
  return encoder_ != nullptr ? encoder_->Encode(said) : LetterVector(said);
}

Result<Understanding> SemanticCache::Find(const CacheScope& scope, std::string_view said,
                                          const Understanding& guess) {
  const TimePoint now = clock_.Now();
  std::vector<std::shared_ptr<Entry>> like;
  {
    const std::lock_guard lock(mutex_);
    if (const auto bucket = buckets_.find(BucketOf(scope, guess)); bucket != buckets_.end()) {
      std::copy_if(bucket->second.begin(), bucket->second.end(), std::back_inserter(like),
                   [&](const auto& entry) { return now < entry->ends; });
    }
  }
  if (!like.empty()) {
    const ComparedSentence mine(*language_, said, scope.history.today);
    std::erase_if(like, [&](const auto& entry) {
      const ComparedSentence other(*language_, entry->said, scope.history.today);
      return WhyNotTheSame(mine, other, entry->corrected ? Likeness::kStrict : Likeness::kLoose) != nullptr;
    });
  }
  const std::vector<float> vector = like.empty() ? std::vector<float>() : VectorOf(said);
  const Entry* nearest = nullptr;
  double similarity = 0;
  bool agreed = true;
  for (const auto& entry : like) {
    std::vector<float> own;
    {
      const std::lock_guard lock(mutex_);
      own = entry->vector;
    }
    if (own.empty()) {
      own = VectorOf(entry->said);
      const std::lock_guard lock(mutex_);
      entry->vector = own;
    }
    const double near = Cosine(vector, own);
    if (near < options_.similarity) continue;
    if (nearest != nullptr && nearest->calls != entry->calls) agreed = false;
    if (nearest == nullptr || near > similarity) {
      nearest = entry.get();
      similarity = near;
    }
  }
  const std::lock_guard lock(mutex_);
  if (nearest == nullptr || !agreed) {
    ++counters_.misses;
    return MakeError(ErrorCode::kNotFound, "{}",
                     agreed ? "nobody has said the like" : "what was said like it meant different things");
  }
  ++(nearest->corrected ? counters_.corrections : counters_.agreements);
  return nearest->answer;
}

void SemanticCache::Keep(const CacheScope& scope, std::string_view said, const Understanding& guess,
                         const Understanding& answer, Duration ttl, std::vector<std::string> tags) {
  if (ttl <= Duration::zero() || options_.most == 0 || said.empty()) return;
  auto entry = std::make_shared<Entry>();
  entry->said = said;
  entry->answer = answer;
  entry->answer.route.clear();
  entry->calls = CallsText(answer);
  entry->corrected = entry->calls != CallsText(guess);
  entry->ends = clock_.Now() + ttl;
  entry->tags = std::move(tags);
  std::string key = BucketOf(scope, guess);
  const std::lock_guard lock(mutex_);
  Bucket& bucket = buckets_[key];
  // The newest answer for the same words stands.
  const auto same = std::find_if(bucket.begin(), bucket.end(),
                                 [&](const auto& other) { return other->said == entry->said; });
  if (same != bucket.end()) {
    entry->vector = (*same)->vector;
    entry->number = (*same)->number;
    *same = std::move(entry);
    return;
  }
  entry->number = ++kept_;
  in_order_.emplace_back(entry->number, std::move(key));
  bucket.push_back(std::move(entry));
  ++counters_.entries;
  if (bucket.size() > kMostInABucket) {
    bucket.pop_front();
    --counters_.entries;
  }
  while (counters_.entries > options_.most || in_order_.size() > 2 * options_.most + kMostInABucket)
    DropOldest();
}

// Numbers whose entries have gone already are passed over.
void SemanticCache::DropOldest() {
  const auto [number, key] = std::move(in_order_.front());
  in_order_.pop_front();
  const auto bucket = buckets_.find(key);
  if (bucket == buckets_.end() || bucket->second.empty() || bucket->second.front()->number != number) return;
  bucket->second.pop_front();
  --counters_.entries;
  if (bucket->second.empty()) buckets_.erase(bucket);
}

void SemanticCache::Forget(const std::string& tag) {
  const std::lock_guard lock(mutex_);
  for (auto bucket = buckets_.begin(); bucket != buckets_.end();) {
    const size_t before = bucket->second.size();
    std::erase_if(bucket->second, [&](const auto& entry) {
      return tag.empty() || std::find(entry->tags.begin(), entry->tags.end(), tag) != entry->tags.end();
    });
    counters_.entries -= before - bucket->second.size();
    bucket = bucket->second.empty() ? buckets_.erase(bucket) : std::next(bucket);
  }
  if (counters_.entries == 0) in_order_.clear();
}

SemanticCache::Counters SemanticCache::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace sotto
