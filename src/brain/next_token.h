// What the decoder asks of a model: token ids of a text, and how likely tokens are to come next. Implemented
// over the engine (brain/slm_next_token.h); tests implement it over a table.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sotto {

class NextToken {
 public:
  virtual ~NextToken() = default;

  // Token ids of a stretch of call text, as the model was trained to see it.
  virtual std::vector<int32_t> Encode(std::string_view text) const = 0;

  // Natural log-probabilities of each of `rows` to follow the prompt and `tokens`: normalised over the whole
  // vocabulary if `whole_vocabulary`, else over `rows`. Same order as `rows`. Tokens that were given before
  // need no computing again; a shorter or different sequence is a step back.
  virtual Result<std::vector<float>> LogProbs(std::span<const int32_t> tokens, std::span<const int32_t> rows,
                                              bool whole_vocabulary) = 0;

  // Bytes of one token; empty for special tokens. The view lives as long as the model.
  virtual std::string_view TokenBytes(int32_t token) const = 0;
  virtual int32_t vocabulary_size() const = 0;
};

}  // namespace sotto
