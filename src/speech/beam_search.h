// From a sound to words with the workflow's language model inside the search (shallow fusion: Gulcehre et al. 2015;
// a bonus a token against short hypotheses):
//
//   score(hypothesis) = sum over its tokens of  log P(token | sound) + 0.5 log P_LM(token) + 1.4
//
// Without a language model the sum of the first term alone. The end of the sentence is a token like any other, but never the first: leading silence makes the model end at once.
// Beside the beam one hypothesis goes along that knows no workflow and takes the most probable token each time: what
// was heard freely. How much worse the fused hypothesis explains the sound than that one tells other speech from
// speech for this workflow.
//
// Hypotheses are scored by a TokenScorer: a speech engine (acoustic/encoder_decoder.h) or, in tests, a script.
// One thread; searches of several callers meet inside the engine, which batches their steps.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "acoustic/encoder_decoder.h"
#include "base/error.h"
#include "speech/token_lm.h"

namespace sotto {

// What a sound's model thinks of the next token of some hypotheses. Rows of a step branch from rows of the step before.
class TokenScorer {
 public:
  static constexpr int kNothing = -1;  // the parent of a hypothesis without tokens
  struct Branch {
    int parent = kNothing;
    TokenId token = 0;
  };

  virtual ~TokenScorer() = default;
  virtual size_t n_vocab() const = 0;
  // Row i is now branches[i].parent's hypothesis of the step before with branches[i].token behind it.
  virtual Result<void> Step(std::span<const Branch> branches) = 0;
  // Of the last step: [n_vocab], not normalised; log-probability = logit - log_sum. Valid until the next step.
  virtual std::span<const float> logits(size_t row) const = 0;
  virtual float log_sum(size_t row) const = 0;
};

class EngineScorer final : public TokenScorer {
 public:
  // `engine` outlives it.
  EngineScorer(SpeechEngine& engine, std::shared_ptr<const EncodedSpeech> speech);
  size_t n_vocab() const override { return n_vocab_; }
  Result<void> Step(std::span<const Branch> branches) override;
  std::span<const float> logits(size_t row) const override { return step_.row(row); }
  float log_sum(size_t row) const override { return step_.log_sum[row]; }

 private:
  SpeechEngine& engine_;
  const std::shared_ptr<const EncodedSpeech> speech_;
  const size_t n_vocab_;
  std::vector<Beam> beams_;
  std::vector<Beam> next_;
  BeamStep step_;
};

struct BeamSearchOptions {
  size_t beam = 8;
  double lm_weight = 0.5;
  double token_bonus = 1.4;
  double tokens_per_second = 6.5;  // at most; as the model's authors set it
  size_t spare_tokens = 4;         // and so many more, however short the sound
  double give_up = 8;              // a hypothesis so far behind the best finished one is dropped
  bool free_hypothesis = true;
  size_t n_best = 8;
};

struct SearchHypothesis {
  std::vector<TokenId> tokens;   // without BOS and EOS
  std::vector<float> log_probs;  // log P(token | sound) of each, and of the end behind them
  double acoustic = 0;           // sum of log_probs
  double lm = 0;                 // sum of log P_LM, unweighted
  double score = 0;
  bool ended = false;  // the model ended it; otherwise the limit did

  // Acoustic log-probability a token, the end counted.
  double AcousticPerToken() const;
};

struct SearchResult {
  std::vector<SearchHypothesis> n_best;  // best first; empty: nothing but the end was possible
  SearchHypothesis free;                 // without language model; no tokens where not asked for
  size_t steps = 0;
};

class BeamSearch {
 public:
  BeamSearch(size_t n_vocab, TokenId bos, TokenId eos, BeamSearchOptions options = {});

  // `prefix`: tokens that every hypothesis begins with, given and not scored (a stable partial). `stop`, where not
  // null and set, ends the search between steps with kCancelled.
  Result<SearchResult> Run(TokenScorer& scorer, const TokenLmMix& lm, double seconds,
                           std::span<const TokenId> prefix = {}, const std::atomic<bool>* stop = nullptr);

  const BeamSearchOptions& options() const { return options_; }

 private:
  struct Live;
  struct Candidate;
  void Extend(const TokenScorer& scorer, const TokenLmMix& lm, size_t row, const Live& live, bool may_end,
              std::vector<Candidate>* out);

  const size_t n_vocab_;
  const TokenId bos_;
  const TokenId eos_;
  const BeamSearchOptions options_;
  TokenLmScorer lm_scorer_;
  std::vector<TokenId> tokens_;  // scratch
  std::vector<float> lm_log_probs_;
};

}  // namespace sotto
