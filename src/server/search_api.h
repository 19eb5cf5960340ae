// Searching documents over HTTP (docs/formats/openapi.yaml): POST /v1/search asks an index that is served (`sotto serve
// --index NAME=DIR`) and answers with what `sotto ask --json` prints. What a key may see: documents for everybody and
// those whose groups have the key's name. Adds its route; lives as long as the router. Any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/scheduler.h"
#include "retrieve/live_index.h"
#include "server/router.h"

namespace sotto {

class SearchApi {
 public:
  using Indexes = std::map<std::string, std::shared_ptr<LiveIndex>, std::less<>>;

  // The scheduler outlives it; a search is work that blocks there.
  SearchApi(Scheduler& scheduler, Indexes indexes) : scheduler_(scheduler), indexes_(std::move(indexes)) {}

  void AddTo(Router& router);

 private:
  void Search(Exchange exchange);

  Scheduler& scheduler_;
  const Indexes indexes_;
};

// "NAME=DIR", each opened. The error names what is wrong.
Result<SearchApi::Indexes> OpenIndexes(const std::vector<std::string>& given);

}  // namespace sotto
