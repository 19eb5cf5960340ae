#include "server/cache_api.h"

#include <algorithm>

#include "core/turn_record.h"
#include "server/json_fields.h"
#include "server/problem.h"
#include "server/rest_api.h"

namespace sotto {
namespace {

constexpr int64_t kLongestTtlMs = int64_t{30} * 24 * 3600 * 1000;
constexpr size_t kMostTags = 16;
constexpr size_t kMostTagBytes = 200;
constexpr const char* kEntries = "/v1/cache/understandings";
constexpr const char* kEntry = "/v1/cache/understandings/{key}";

bool IsKey(std::string_view key) {
  return key.size() == 64 && key.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

WebResponse NoKey() {
  return ToResponse(Problem{400, "wrong_key", "a key is a SHA-256 in 64 hexadecimal digits"});
}

WebResponse Empty(int status) {
  WebResponse response;
  response.status = status;
  return response;
}

}  // namespace

Result<CacheEntry> ReadCacheEntry(std::string_view body) {
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseBody(body));
  CacheEntry entry;
  JsonFields fields(json);
  const Json* understanding = fields.Object("understanding");
  fields.Require("understanding", understanding != nullptr);
  int64_t ms = 0;
  fields.Require("ttl_ms", fields.Integer("ttl_ms", &ms, 1, kLongestTtlMs));
  const Json* tags = fields.Array("tags", kMostTags);
  SOTTO_RETURN_IF_ERROR(fields.Done());
  entry.ttl = std::chrono::milliseconds(ms);
  for (size_t i = 0; tags != nullptr && i < tags->size(); ++i) {
    const Json& tag = (*tags)[i];
    if (!tag.is_string() || tag.get_ref<const std::string&>().size() > kMostTagBytes)
      return MakeError(ErrorCode::kInvalidArgument, "'tags' should be short texts");
    entry.tags.push_back(tag.get<std::string>());
  }
  auto read = UnderstandingFromJson(*understanding);
  if (!read) return MakeError(ErrorCode::kInvalidArgument, "'understanding': {}", read.error().message);
  if (read->calls.empty())
    return MakeError(ErrorCode::kInvalidArgument, "'understanding' has no call: there is nothing to keep");
  entry.understanding = *std::move(read);
  return entry;
}

void CacheApi::AddTo(Router& router) {
  if (cache_ == nullptr) return;
  router.Add({"GET", kEntry, scope::kCache, [cache = cache_](Exchange exchange) {
                if (!IsKey(exchange.steps[0])) return exchange.respond(NoKey());
                cache->Find(exchange.steps[0], [respond = std::move(exchange.respond)](
                                                   std::optional<Understanding> found) {
                  respond(found ? ToResponse(ToJson(*found))
                                : ToResponse(Problem{404, "not_kept", "nothing is kept under this key"}));
                });
              }});
  router.Add({"PUT", kEntry, scope::kCache, [cache = cache_](Exchange exchange) {
                if (!IsKey(exchange.steps[0])) return exchange.respond(NoKey());
                const auto entry = ReadCacheEntry(exchange.request.body);
                if (!entry) return exchange.respond(ToResponse(ToProblem(entry.error())));
                cache->Keep(exchange.steps[0], entry->understanding, entry->ttl, entry->tags);
                exchange.respond(Empty(204));
              }});
  router.Add({"GET", kEntries, scope::kCache, [cache = cache_](Exchange exchange) {
                const AnswerCache::Counters counters = cache->counters();
                exchange.respond(ToResponse(Json{{"entries", counters.entries},
                                                 {"hits", counters.hits},
                                                 {"misses", counters.misses},
                                                 {"kept", counters.kept},
                                                 {"dropped", counters.dropped}}));
              }});
  router.Add({"DELETE", kEntries, scope::kCache, [cache = cache_](Exchange exchange) {
                const std::string* tag = exchange.request.Query("tag");
                const size_t before = cache->counters().entries;
                cache->Forget(tag == nullptr ? "" : *tag);
                const size_t after = cache->counters().entries;
                exchange.respond(ToResponse(Json{{"removed", before - std::min(before, after)}}));
              }});
}

}  // namespace sotto
