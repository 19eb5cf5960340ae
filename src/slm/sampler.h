// Chooses the next token from logits: greedy, or temperature with top-k, top-p and min-p filters.
// Order of the filters: top-k, top-p, min-p, then temperature (llama.cpp applies them in this order, so the
// shares are those of the unscaled distribution).
// A value; one session, one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "slm/tokenizer.h"

namespace sotto {

struct SamplerOptions {
  float temperature = 0;  // 0: greedy, the other options are ignored
  int top_k = 0;          // 0: all
  float top_p = 1;        // 1: all
  float min_p = 0;        // 0: all
  uint64_t seed = 0;
};

// Index of the largest; the first of equals. NaN is never chosen. REQUIRES: logits not empty.
TokenId Argmax(std::span<const float> logits);

class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options) : options_(options), random_(options.seed) {}

  // REQUIRES: logits not empty.
  TokenId Next(std::span<const float> logits);

 private:
  struct Candidate {
    float logit;
    TokenId token;
  };

  SamplerOptions options_;
  Random random_;
  std::vector<Candidate> candidates_;  // scratch
  std::vector<double> weights_;        // scratch
};

}  // namespace sotto
