// Engine::LogitsAt and BatchingEngine::LogitsAt: the same in terms of their LogitsOf. Private to src/slm.
#pragma once

#include <algorithm>

#include "base/check.h"
#include "slm/engine.h"

namespace sotto {

template <typename AnEngine>
Result<void> LogitsAtWith(AnEngine& engine, const KvCache& cache, std::span<const TokenId> rows,
                          std::span<float> logits, const LoraAdapter* lora) {
  SOTTO_CHECK(rows.size() == logits.size());
  if (cache.last_hidden().empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "the state of the last position is not known");
  }
  if (rows.empty()) return {};
  LogitsRequest request{cache.last_hidden(), rows, lora, {}};
  SOTTO_RETURN_IF_ERROR(engine.LogitsOf(request));
  std::copy(request.logits.begin(), request.logits.end(), logits.begin());
  return {};
}

}  // namespace sotto
