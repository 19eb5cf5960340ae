#include "route/exact_cache.h"

#include <utility>

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

void ExactCache::Keep(const std::string& key, const Understanding& understanding, Duration ttl,
                      const std::vector<std::string>& tags) {
  Understanding kept = understanding;
  kept.route.clear();
  const size_t bytes = BytesOf(kept);
  kept_.Keep(key, std::move(kept), bytes, ttl, tags);
}

AnswerCache::Counters ExactCache::counters() const {
  const auto counters = kept_.counters();
  return {.hits = counters.hits,
          .misses = counters.misses,
          .kept = counters.kept,
          .dropped = counters.dropped,
          .entries = counters.entries,
          .bytes = counters.bytes};
}

}  // namespace sotto
