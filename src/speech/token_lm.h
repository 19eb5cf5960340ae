// What callers of a workflow may say next, as a speech model writes it: 4-grams over the model's own tokens, and
// mixtures of them. The recogniser's search adds it to what the model hears (speech/beam_search.h).
//
// TokenLm: Witten-Bell smoothing (Witten & Bell 1991), interpolated down to a uniform floor over the vocabulary:
//   P(t|h) = (c(h t) + T(h) P(t|h')) / (c(h) + T(h)),   T(h): different tokens seen after h
// It needs no held-out data and takes fractional counts; on a workflow's sentences their breadth matters, the
// smoothing does not. Kept as sorted levels (a trie): 10 to 14 bytes an n-gram; ten thousand sentences are built in
// about a tenth of a second.
//
// TokenLm: immutable, any thread. TokenLmMix: a value that shares its parts. TokenLmScorer: scratch of one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "acoustic/speech_model.h"

namespace sotto {

class TokenLm {
 public:
  static constexpr size_t kOrder = 4;

  // What the next token follows: the longest histories of 1, 2 and 3 tokens that were seen, as nodes of the trie.
  struct Context {
    std::array<uint32_t, kOrder - 1> nodes = {kNone, kNone, kNone};
    bool operator==(const Context&) const = default;
  };

  // Begins a sentence: only BOS stands before.
  Context Begin() const;
  Context Next(const Context& context, TokenId token) const;
  // In (0, 1]; sums to 1 over the vocabulary without BOS. REQUIRES: 0 <= token < n_vocab.
  double Probability(const Context& context, TokenId token) const;

  size_t n_vocab() const { return floor_.size(); }
  size_t size_bytes() const;
  size_t n_grams() const;

 private:
  friend class TokenLmBuilder;
  friend class TokenLmScorer;
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Level {
    std::vector<uint16_t> tokens;  // of the nodes, ascending below one parent
    std::vector<float> counts;     // how often the path was seen
    std::vector<uint32_t> begin;   // children of node i: [begin[i], begin[i + 1]) of the next level
    std::vector<float> totals;     // sum of the children's counts
  };
  struct Share {
    float seen = 0;   // of a count in this context
    float below = 1;  // of the shorter context
  };

  TokenLm() = default;
  uint32_t Child(size_t level, uint32_t node, TokenId token) const;
  Share ShareOf(size_t level, uint32_t node) const;

  TokenId bos_ = 1;
  std::array<Level, kOrder> levels_;
  std::vector<uint32_t> first_;  // token -> node of the first level, or kNone
  std::vector<float> floor_;     // P(token) without history: [n_vocab]
};

class TokenLmBuilder {
 public:
  // REQUIRES: n_vocab <= 65536.
  TokenLmBuilder(size_t n_vocab, TokenId bos, TokenId eos);
  // A sentence without BOS and EOS, `weight` times. Ids out of range and empty sentences are left out.
  void Add(std::span<const TokenId> sentence, float weight = 1);
  bool empty() const { return windows_.empty(); }
  std::shared_ptr<const TokenLm> Build();

 private:
  struct Window {
    uint64_t key;  // up to four tokens, the oldest in the highest bits; 0 behind the end of a sentence
    float weight;
  };
  size_t n_vocab_;
  TokenId bos_;
  TokenId eos_;
  std::vector<uint64_t> sequence_;  // scratch
  std::vector<Window> windows_;
};

// A weighted sum of models and of a general floor (all tokens alike).
class TokenLmMix {
 public:
  static constexpr size_t kMaxParts = 4;
  struct State {
    std::array<TokenLm::Context, kMaxParts> contexts;
  };

  // REQUIRES: 0 <= floor < 1, of all that is said.
  explicit TokenLmMix(size_t n_vocab = 0, float floor = 0.01f);
  // Null and weights of 0 are left out; what does not fit any more is left out too. Weights are normalised.
  void Add(std::shared_ptr<const TokenLm> part, float weight);

  State Begin() const;
  State Next(const State& state, TokenId token) const;
  // Natural logarithm.
  double LogProbability(const State& state, TokenId token) const;

  size_t n_parts() const { return n_parts_; }

 private:
  friend class TokenLmScorer;
  size_t n_vocab_;
  float floor_;
  float total_weight_ = 0;
  size_t n_parts_ = 0;
  std::array<std::shared_ptr<const TokenLm>, kMaxParts> parts_;
  std::array<float, kMaxParts> weights_{};
};

// Log-probabilities of many tokens after one state, much faster than one by one.
class TokenLmScorer {
 public:
  // REQUIRES: as many `log_probs` as `tokens`, all in the vocabulary.
  void Score(const TokenLmMix& mix, const TokenLmMix::State& state, std::span<const TokenId> tokens,
             std::span<float> log_probs);

 private:
  std::vector<float> seen_;     // [n_vocab], valid where marked
  std::vector<uint32_t> mark_;  // [n_vocab]
  uint32_t round_ = 0;
};

}  // namespace sotto
