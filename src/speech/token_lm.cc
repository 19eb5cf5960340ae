#include "speech/token_lm.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace sotto {
namespace {

constexpr int kTokenBits = 16;
constexpr uint64_t kTokenMask = (uint64_t{1} << kTokenBits) - 1;

// The part of a key that names its first `n` tokens.
uint64_t Prefix(uint64_t key, size_t n) { return key >> (kTokenBits * (TokenLm::kOrder - n)); }

}  // namespace

TokenLm::Context TokenLm::Begin() const {
  Context context;
  context.nodes[0] = first_[static_cast<size_t>(bos_)];
  return context;
}

uint32_t TokenLm::Child(size_t level, uint32_t node, TokenId token) const {
  if (node == kNone) return kNone;
  const auto& begin = levels_[level].begin;
  const auto& tokens = levels_[level + 1].tokens;
  const auto from = tokens.begin() + begin[node];
  const auto to = tokens.begin() + begin[node + 1];
  const auto it = std::lower_bound(from, to, static_cast<uint16_t>(token));
  return it == to || *it != static_cast<uint16_t>(token) ? kNone : static_cast<uint32_t>(it - tokens.begin());
}

TokenLm::Context TokenLm::Next(const Context& context, TokenId token) const {
  Context next;
  next.nodes[0] = first_[static_cast<size_t>(token)];
  for (size_t i = 1; i < next.nodes.size(); ++i) next.nodes[i] = Child(i - 1, context.nodes[i - 1], token);
  return next;
}

TokenLm::Share TokenLm::ShareOf(size_t level, uint32_t node) const {
  if (node == kNone) return {};
  const Level& at = levels_[level];
  const auto types = static_cast<float>(at.begin[node + 1] - at.begin[node]);
  if (types == 0) return {};
  const float sum = at.totals[node] + types;
  return {1 / sum, types / sum};
}

double TokenLm::Probability(const Context& context, TokenId token) const {
  double p = floor_[static_cast<size_t>(token)];
  for (size_t level = 0; level < context.nodes.size(); ++level) {
    const Share share = ShareOf(level, context.nodes[level]);
    const uint32_t child = Child(level, context.nodes[level], token);
    p = static_cast<double>(share.below) * p +
        (child == kNone
             ? 0.0
             : static_cast<double>(share.seen) * static_cast<double>(levels_[level + 1].counts[child]));
  }
  return p;
}

size_t TokenLm::n_grams() const {
  size_t n = 0;
  for (const Level& level : levels_) n += level.tokens.size();
  return n;
}

size_t TokenLm::size_bytes() const {
  size_t bytes = (first_.size() + floor_.size()) * 4;
  for (const Level& level : levels_) {
    bytes += level.tokens.size() * 2 + (level.counts.size() + level.begin.size() + level.totals.size()) * 4;
  }
  return bytes;
}

TokenLmBuilder::TokenLmBuilder(size_t n_vocab, TokenId bos, TokenId eos)
    : n_vocab_(n_vocab), bos_(bos), eos_(eos) {
  SOTTO_CHECK(n_vocab <= (size_t{1} << kTokenBits));
}

void TokenLmBuilder::Add(std::span<const TokenId> sentence, float weight) {
  if (!(weight > 0)) return;
  sequence_.clear();
  sequence_.push_back(static_cast<uint64_t>(bos_));
  for (const TokenId token : sentence) {
    if (token > 0 && static_cast<size_t>(token) < n_vocab_) sequence_.push_back(static_cast<uint64_t>(token));
  }
  if (sequence_.size() == 1) return;
  sequence_.push_back(static_cast<uint64_t>(eos_));
  for (size_t i = 0; i < sequence_.size(); ++i) {
    uint64_t key = 0;
    for (size_t k = 0; k < TokenLm::kOrder; ++k) {
      key = (key << kTokenBits) | (i + k < sequence_.size() ? sequence_[i + k] : 0);
    }
    windows_.push_back({key, weight});
  }
}

std::shared_ptr<const TokenLm> TokenLmBuilder::Build() {
  std::sort(windows_.begin(), windows_.end(), [](const Window& a, const Window& b) { return a.key < b.key; });
  std::shared_ptr<TokenLm> lm(new TokenLm);
  lm->bos_ = bos_;
  lm->first_.assign(n_vocab_, TokenLm::kNone);
  for (size_t n = 1; n <= TokenLm::kOrder; ++n) {
    TokenLm::Level& level = lm->levels_[n - 1];
    TokenLm::Level* above = n == 1 ? nullptr : &lm->levels_[n - 2];
    uint64_t last = 0;
    uint64_t last_parent = 0;
    uint32_t parent = TokenLm::kNone;  // wraps to the first
    for (const Window& window : windows_) {
      if (above != nullptr) {
        const uint64_t parent_prefix = Prefix(window.key, n - 1);
        if ((parent_prefix & kTokenMask) == 0) continue;  // the sentence ended before
        if (parent_prefix != last_parent) {
          last_parent = parent_prefix;
          ++parent;
          above->begin.push_back(static_cast<uint32_t>(level.tokens.size()));
          above->totals.push_back(0);
        }
      }
      const uint64_t prefix = Prefix(window.key, n);
      if ((prefix & kTokenMask) == 0) continue;
      if (prefix != last) {
        last = prefix;
        level.tokens.push_back(static_cast<uint16_t>(prefix & kTokenMask));
        level.counts.push_back(0);
      }
      level.counts.back() += window.weight;
      if (above != nullptr) above->totals[parent] += window.weight;
    }
    if (above != nullptr) above->begin.push_back(static_cast<uint32_t>(level.tokens.size()));
  }

  const TokenLm::Level& words = lm->levels_[0];
  double total = 0;
  double types = 0;
  for (size_t i = 0; i < words.tokens.size(); ++i) {
    lm->first_[words.tokens[i]] = static_cast<uint32_t>(i);
    if (words.tokens[i] == static_cast<uint16_t>(bos_)) continue;
    total += static_cast<double>(words.counts[i]);
    types += 1;
  }
  const double sum = std::max(total + types, 1.0);
  const double unseen = types == 0 ? 1.0 : types / sum;
  lm->floor_.assign(n_vocab_, static_cast<float>(unseen / static_cast<double>(n_vocab_ - 1)));
  for (size_t i = 0; i < words.tokens.size(); ++i) {
    lm->floor_[words.tokens[i]] += static_cast<float>(static_cast<double>(words.counts[i]) / sum);
  }
  lm->floor_[static_cast<size_t>(bos_)] = 0;  // never said
  windows_ = {};
  return lm;
}

TokenLmMix::TokenLmMix(size_t n_vocab, float floor) : n_vocab_(n_vocab), floor_(floor) {
  SOTTO_CHECK(floor >= 0 && floor < 1);
}

void TokenLmMix::Add(std::shared_ptr<const TokenLm> part, float weight) {
  if (part == nullptr || !(weight > 0) || n_parts_ == kMaxParts) return;
  SOTTO_CHECK(part->n_vocab() == n_vocab_);
  parts_[n_parts_] = std::move(part);
  weights_[n_parts_++] = weight;
  total_weight_ += weight;
}

TokenLmMix::State TokenLmMix::Begin() const {
  State state;
  for (size_t i = 0; i < n_parts_; ++i) state.contexts[i] = parts_[i]->Begin();
  return state;
}

TokenLmMix::State TokenLmMix::Next(const State& state, TokenId token) const {
  State next;
  for (size_t i = 0; i < n_parts_; ++i) next.contexts[i] = parts_[i]->Next(state.contexts[i], token);
  return next;
}

double TokenLmMix::LogProbability(const State& state, TokenId token) const {
  const double floor = n_parts_ == 0 ? 1.0 : static_cast<double>(floor_);
  double p = floor / static_cast<double>(n_vocab_);
  for (size_t i = 0; i < n_parts_; ++i) {
    p += (1 - floor) * static_cast<double>(weights_[i] / total_weight_) *
         parts_[i]->Probability(state.contexts[i], token);
  }
  return std::log(p);
}

void TokenLmScorer::Score(const TokenLmMix& mix, const TokenLmMix::State& state,
                          std::span<const TokenId> tokens, std::span<float> log_probs) {
  SOTTO_CHECK(tokens.size() == log_probs.size());
  if (mark_.size() != mix.n_vocab_) {
    mark_.assign(mix.n_vocab_, 0);
    seen_.assign(mix.n_vocab_, 0);
    round_ = 0;
  }
  if (++round_ == 0) {
    std::fill(mark_.begin(), mark_.end(), 0);
    round_ = 1;
  }
  const float floor = mix.n_parts_ == 0 ? 1.0f : mix.floor_;
  std::array<float, TokenLmMix::kMaxParts> below{};
  for (size_t i = 0; i < mix.n_parts_; ++i) {
    const TokenLm& lm = *mix.parts_[i];
    float weight = (1 - floor) * mix.weights_[i] / mix.total_weight_;
    for (size_t level = TokenLm::kOrder - 1; level-- > 0;) {
      const uint32_t node = state.contexts[i].nodes[level];
      const TokenLm::Share share = lm.ShareOf(level, node);
      if (share.below == 1) continue;
      const TokenLm::Level& children = lm.levels_[level + 1];
      for (uint32_t c = lm.levels_[level].begin[node]; c < lm.levels_[level].begin[node + 1]; ++c) {
        const uint16_t token = children.tokens[c];
        if (mark_[token] != round_) {
          mark_[token] = round_;
          seen_[token] = 0;
        }
        seen_[token] += weight * share.seen * children.counts[c];
      }
      weight *= share.below;
    }
    below[i] = weight;
  }
  const float everywhere = floor / static_cast<float>(mix.n_vocab_);
  for (size_t n = 0; n < tokens.size(); ++n) {
    const auto token = static_cast<size_t>(tokens[n]);
    float p = everywhere + (mark_[token] == round_ ? seen_[token] : 0);
    for (size_t i = 0; i < mix.n_parts_; ++i) p += below[i] * mix.parts_[i]->floor_[token];
    log_probs[n] = std::log(p);
  }
}

}  // namespace sotto
