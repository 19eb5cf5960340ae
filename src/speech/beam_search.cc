#include "speech/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace sotto {
namespace {

// Tokens so much less probable than the best one of their row are not looked at: no language model makes up for it.
constexpr float kAcousticCut = 16.0f;
constexpr size_t kMaxTokensLookedAt = 400;

}  // namespace

double SearchHypothesis::AcousticPerToken() const {
  return log_probs.empty() ? 0 : acoustic / static_cast<double>(log_probs.size());
}

struct BeamSearch::Live {
  SearchHypothesis hypothesis;
  TokenLmMix::State state;
};

struct BeamSearch::Candidate {
  size_t row = 0;
  TokenId token = 0;
  float log_prob = 0;
  float lm = 0;
  double score = 0;
};

BeamSearch::BeamSearch(size_t n_vocab, TokenId bos, TokenId eos, BeamSearchOptions options)
    : n_vocab_(n_vocab), bos_(bos), eos_(eos), options_(options) {
  SOTTO_CHECK(options.beam > 0);
}

void BeamSearch::Extend(const TokenScorer& scorer, const TokenLmMix& lm, size_t row, const Live& live,
                        bool may_end, std::vector<Candidate>* out) {
  const std::span<const float> logits = scorer.logits(row);
  const float log_sum = scorer.log_sum(row);
  float best = -std::numeric_limits<float>::infinity();
  for (const float logit : logits) best = std::max(best, logit);
  if (!std::isfinite(best)) return;  // also NaN: such a row says nothing
  tokens_.clear();
  const float cut = best - kAcousticCut;
  for (size_t t = 0; t < logits.size(); ++t) {
    if (logits[t] >= cut) tokens_.push_back(static_cast<TokenId>(t));
  }
  if (tokens_.size() > kMaxTokensLookedAt) {
    std::ranges::nth_element(tokens_, tokens_.begin() + kMaxTokensLookedAt, [&](TokenId a, TokenId b) {
      return std::pair(-logits[static_cast<size_t>(a)], a) < std::pair(-logits[static_cast<size_t>(b)], b);
    });
    tokens_.resize(kMaxTokensLookedAt);
  }
  std::erase_if(tokens_, [&](TokenId t) { return t == bos_ || t == 0 || (t == eos_ && !may_end); });
  lm_log_probs_.resize(tokens_.size());
  lm_scorer_.Score(lm, live.state, tokens_, lm_log_probs_);
  const size_t begin = out->size();
  for (size_t i = 0; i < tokens_.size(); ++i) {
    Candidate candidate{row, tokens_[i], logits[static_cast<size_t>(tokens_[i])] - log_sum, lm_log_probs_[i],
                        0};
    candidate.score = live.hypothesis.score + static_cast<double>(candidate.log_prob);
    if (lm.n_parts() > 0) {
      candidate.score += options_.lm_weight * static_cast<double>(candidate.lm) + options_.token_bonus;
    }
    out->push_back(candidate);
  }
  // Of one row no more than a whole beam can stay, and the end beside it.
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.token < b.token;
  };
  const size_t keep = std::min(out->size() - begin, options_.beam + 1);
  std::partial_sort(out->begin() + static_cast<std::ptrdiff_t>(begin),
                    out->begin() + static_cast<std::ptrdiff_t>(begin + keep), out->end(), better);
  out->resize(begin + keep);
}

Result<SearchResult> BeamSearch::Run(TokenScorer& scorer, const TokenLmMix& lm, double seconds,
                                     std::span<const TokenId> prefix, const std::atomic<bool>* stop) {
  SOTTO_CHECK(scorer.n_vocab() == n_vocab_);
  const size_t limit = prefix.size() + options_.spare_tokens +
                       static_cast<size_t>(std::max(0.0, seconds) * options_.tokens_per_second);
  SearchResult result;
  std::vector<Live> beam(1);
  beam[0].state = lm.Begin();
  std::vector<SearchHypothesis>& finished = result.n_best;
  std::vector<TokenScorer::Branch> branches = {{TokenScorer::kNothing, bos_}};
  const bool with_free = options_.free_hypothesis && prefix.empty();
  bool free_runs = with_free;
  size_t free_row = 0;
  std::vector<Candidate> candidates;
  std::vector<Live> next;
  for (const TokenId token : prefix) {
    SOTTO_RETURN_IF_ERROR(scorer.Step(branches));
    branches = {{0, token}};
    beam[0].state = lm.Next(beam[0].state, token);
    beam[0].hypothesis.tokens.push_back(token);
  }
  double best_finished = -std::numeric_limits<double>::infinity();
  for (size_t length = prefix.size(); !branches.empty(); ++length) {
    if (stop != nullptr && *stop) return MakeError(ErrorCode::kCancelled, "the search was cancelled");
    SOTTO_RETURN_IF_ERROR(scorer.Step(branches));
    ++result.steps;
    branches.clear();
    const bool may_end = length > 0;
    // The free hypothesis.
    int free_parent = -1;
    TokenId free_token = 0;
    if (free_runs) {
      const std::span<const float> logits = scorer.logits(free_row);
      TokenId token = -1;
      for (size_t t = 1; t < logits.size(); ++t) {
        if (static_cast<TokenId>(t) == bos_ || (static_cast<TokenId>(t) == eos_ && !may_end)) continue;
        if (std::isfinite(logits[t]) && (token < 0 || logits[t] > logits[static_cast<size_t>(token)])) {
          token = static_cast<TokenId>(t);
        }
      }
      free_runs = token >= 0 && length < limit;
      if (free_runs) {
        const float log_prob = logits[static_cast<size_t>(token)] - scorer.log_sum(free_row);
        result.free.log_probs.push_back(log_prob);
        result.free.acoustic += static_cast<double>(log_prob);
        if (token == eos_) {
          result.free.ended = true;
          free_runs = false;
        } else {
          result.free.tokens.push_back(token);
          free_parent = static_cast<int>(free_row);
          free_token = token;
        }
      }
    }
    // The beam.
    candidates.clear();
    for (size_t row = 0; row < beam.size(); ++row) {
      Extend(scorer, lm, row, beam[row], may_end, &candidates);
    }
    std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
      if (a.score != b.score) return a.score > b.score;
      return a.row != b.row ? a.row < b.row : a.token < b.token;
    });
    next.clear();
    size_t taken = 0;
    for (const Candidate& candidate : candidates) {
      if (taken == options_.beam) break;
      const Live& parent = beam[candidate.row];
      const bool ends = candidate.token == eos_;
      if (!ends && candidate.score < best_finished - options_.give_up) break;
      ++taken;
      if (!ends && length >= limit) continue;
      SearchHypothesis hypothesis = parent.hypothesis;
      hypothesis.log_probs.push_back(candidate.log_prob);
      hypothesis.acoustic += static_cast<double>(candidate.log_prob);
      hypothesis.lm += static_cast<double>(candidate.lm);
      hypothesis.score = candidate.score;
      if (ends) {
        hypothesis.ended = true;
        best_finished = std::max(best_finished, hypothesis.score);
        finished.push_back(std::move(hypothesis));
        continue;
      }
      hypothesis.tokens.push_back(candidate.token);
      branches.push_back({static_cast<int>(candidate.row), candidate.token});
      next.push_back({std::move(hypothesis), lm.Next(parent.state, candidate.token)});
    }
    if (length >= limit && finished.empty()) {
      for (Live& live : beam) {
        if (!live.hypothesis.tokens.empty()) finished.push_back(std::move(live.hypothesis));
      }
    }
    std::swap(beam, next);
    const bool enough =
        finished.size() >= options_.beam && (beam.empty() || beam[0].hypothesis.score < best_finished);
    if (enough || length >= limit) {
      beam.clear();
      branches.clear();
    }
    if (free_parent >= 0) {
      free_row = branches.size();
      branches.push_back({free_parent, free_token});
    }
  }
  std::ranges::stable_sort(finished, [](const auto& a, const auto& b) { return a.score > b.score; });
  if (finished.size() > options_.n_best) finished.resize(options_.n_best);
  return result;
}

}  // namespace sotto
