// The central cache: what other Sottos have understood, kept here for all of them (route/central_cache.h asks it;
// docs/formats/openapi.yaml). Keys are SHA-256 over everything that an understanding depends on, so what one machine asks
// for is only ever what another one of the same workflow, model and tenant has kept. Served where sotto.yaml says
// `cache: serve: true`; needs the scope `cache`. Adds its routes; lives as long as the router. Any thread.
#pragma once

#include <memory>
#include <string_view>

#include "route/answer_cache.h"
#include "server/router.h"

namespace sotto {

// What a PUT says.
struct CacheEntry {
  Understanding understanding;
  Duration ttl{};
  std::vector<std::string> tags;
};
// The error says what is wrong with the body.
Result<CacheEntry> ReadCacheEntry(std::string_view body);

class CacheApi {
 public:
  // `cache` null: there is none, and no route is added.
  explicit CacheApi(std::shared_ptr<AnswerCache> cache) : cache_(std::move(cache)) {}

  void AddTo(Router& router);

 private:
  const std::shared_ptr<AnswerCache> cache_;
};

}  // namespace sotto
