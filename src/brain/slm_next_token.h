// NextToken over the engine: keeps one session's KV cache at prompt + call tokens, computing only what is
// missing.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "brain/next_token.h"
#include "slm/engine.h"

namespace sotto {

class SlmNextToken final : public NextToken {
 public:
  // `prompt`: tokens before the calls; the cache may hold any of it already. Both references must outlive
  // this object.
  // `draft`: tokens that may follow the prompt; empty for none.
  SlmNextToken(BatchingEngine& engine, KvCache& cache, std::vector<int32_t> prompt,
               std::vector<int32_t> draft = {});

  std::vector<int32_t> Encode(std::string_view text) const override;
  Result<std::vector<float>> LogProbs(std::span<const int32_t> tokens, std::span<const int32_t> rows,
                                      bool whole_vocabulary) override;
  std::string_view TokenBytes(int32_t token) const override;
  int32_t vocabulary_size() const override;

  // Tokens computed before the first decision, and in all.
  int prefilled() const { return prefilled_; }
  int computed() const { return computed_; }

 private:
  BatchingEngine& engine_;
  KvCache& cache_;
  const std::vector<int32_t> prompt_;
  // Makes states_ hold the hidden state of the last position of wanted_; where that had to be computed (true), its
  // logits of `rows` are in request_ too.
  Result<bool> Compute(std::span<const int32_t> rows);

  const std::vector<int32_t> draft_;
  std::vector<int32_t> wanted_;  // scratch: prompt and tokens
  std::vector<int32_t> feed_;    // scratch: what is computed next
  std::vector<float> states_;    // [n][d_model]: of the positions first_state_ ... in the cache
  int first_state_ = 0;
  LogitsRequest decision_;  // kept for its capacity
  ForwardRequest request_;
  int prefilled_ = -1;
  int computed_ = 0;
};

// Makes `cache` hold exactly `tokens`: keeps the common prefix, computes the rest. Returns how many were
// computed.
Result<int> SyncCache(BatchingEngine& engine, KvCache& cache, std::span<const int32_t> tokens);

}  // namespace sotto
