// A NextToken over a small made-up vocabulary: tokens of one or several bytes (so that they straddle the
// seams of the grammar), longest match first, and probabilities that are a pure function of the tokens
// before.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "brain/next_token.h"

namespace sotto {

class FakeModel : public NextToken {
 public:
  explicit FakeModel(uint64_t seed, std::vector<std::string> more_tokens = {}) : seed_(seed) {
    for (int byte = 0; byte < 256; ++byte) tokens_.emplace_back(1, static_cast<char>(byte));
    for (const char* token : {"{\"", "\": ", "name", "arguments", "\"}}", "}}", ", \"", "\", \"", "check",
                              "account", "00", " to", "the ", "ing\""}) {
      tokens_.emplace_back(token);
    }
    tokens_.insert(tokens_.end(), more_tokens.begin(), more_tokens.end());
    tokens_.emplace_back();  // the end token
  }

  int32_t end_token() const { return vocabulary_size() - 1; }
  int asked() const { return asked_; }

  std::vector<int32_t> Encode(std::string_view text) const override {
    std::vector<int32_t> ids;
    while (!text.empty()) {
      size_t best = 0;
      for (size_t id = 0; id < tokens_.size(); ++id) {
        if (!tokens_[id].empty() && text.starts_with(tokens_[id]) &&
            (tokens_[best].size() < tokens_[id].size() || !text.starts_with(tokens_[best]))) {
          best = id;
        }
      }
      ids.push_back(static_cast<int32_t>(best));
      text.remove_prefix(tokens_[best].size());
    }
    return ids;
  }

  Result<std::vector<float>> LogProbs(std::span<const int32_t> tokens, std::span<const int32_t> rows,
                                      bool whole_vocabulary) override {
    ++asked_;
    uint64_t hash = seed_;
    for (const int32_t token : tokens) hash = (hash ^ static_cast<uint64_t>(token)) * 0x100000001b3U;
    std::vector<double> logits(tokens_.size());
    for (size_t id = 0; id < logits.size(); ++id) {
      uint64_t mixed = (hash + id) * 0x9E3779B97F4A7C15U;
      mixed ^= mixed >> 29;
      logits[id] = static_cast<double>((mixed * 0xBF58476D1CE4E5B9U) >> 40) / 4e6;
    }
    double sum = 0;
    if (whole_vocabulary) {
      for (const double logit : logits) sum += std::exp(logit);
    } else {
      for (const int32_t row : rows) sum += std::exp(logits[static_cast<size_t>(row)]);
    }
    std::vector<float> out;
    for (const int32_t row : rows)
      out.push_back(static_cast<float>(logits[static_cast<size_t>(row)] - std::log(sum)));
    return out;
  }

  std::string_view TokenBytes(int32_t token) const override { return tokens_[static_cast<size_t>(token)]; }
  int32_t vocabulary_size() const override { return static_cast<int32_t>(tokens_.size()); }

 private:
  const uint64_t seed_;
  std::vector<std::string> tokens_;
  int asked_ = 0;
};

}  // namespace sotto
