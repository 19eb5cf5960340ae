#include "route/exact_cache.h"

#include <algorithm>

namespace sotto {
namespace {

size_t BytesOf(const Json& json) {
  if (json.is_string()) return sizeof(Json) + json.get_ref<const std::string&>().size();
  size_t bytes = sizeof(Json);
  if (json.is_structured()) {
    for (const auto& [name, value] : json.items())
      bytes += sizeof(std::string) + name.size() + BytesOf(value);
  }
  return bytes;
}

size_t BytesOf(const Understanding& understanding) {
  size_t bytes = sizeof(Understanding) + understanding.transcript.size() + understanding.model.size();
  for (const Understanding::Call& call : understanding.calls) {
    bytes += sizeof(call) + call.call.name.size() + BytesOf(call.call.arguments);
    bytes += call.arguments.size() * sizeof(call.arguments[0]);
    for (const UnfitValue& unfit : call.unfit) bytes += sizeof(unfit) + BytesOf(unfit.value);
  }
  return bytes;
}

}  // namespace

std::optional<Understanding> ExactCache::Find(const std::string& key) {
  const TimePoint now = clock_.Now();
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    ++counters_.misses;
    return std::nullopt;
  }
  const Entries::iterator entry = found->second;
  if (now >= entry->ends) {
    Erase(entry);
    ++counters_.dropped;
    ++counters_.misses;
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  ++counters_.hits;
  return entry->understanding;
}

void ExactCache::Keep(const std::string& key, const Understanding& understanding, Duration ttl,
                      const std::vector<std::string>& tags) {
  if (ttl <= Duration::zero() || most_entries_ == 0) return;
  Entry entry{key, understanding, clock_.Now() + ttl, tags, 0};
  entry.understanding.route.clear();
  entry.bytes = sizeof(Entry) + key.size() + BytesOf(entry.understanding);
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

void ExactCache::Forget(const std::string& tag) {
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (tag.empty() || std::find(entry->tags.begin(), entry->tags.end(), tag) != entry->tags.end())
      Erase(entry);
    entry = next;
  }
}

AnswerCache::Counters ExactCache::counters() const {
  const std::lock_guard lock(mutex_);
  Counters counters = counters_;
  counters.entries = entries_.size();
  counters.bytes = bytes_;
  return counters;
}

void ExactCache::Erase(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace sotto
