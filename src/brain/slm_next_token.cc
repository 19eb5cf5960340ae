#include "brain/slm_next_token.h"

#include <algorithm>
#include <cmath>

namespace sotto {
namespace {

// log(sum(exp(x)))
double LogSumExp(std::span<const float> values) {
  const float largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (const float value : values) sum += std::exp(static_cast<double>(value - largest));
  return static_cast<double>(largest) + std::log(sum);
}

}  // namespace

Result<int> SyncCache(BatchingEngine& engine, KvCache& cache, std::span<const int32_t> tokens) {
  const int common = cache.CommonPrefix(tokens);
  if (common < cache.size()) cache.Truncate(common);
  if (static_cast<size_t>(common) == tokens.size()) return 0;
  ForwardRequest request;
  request.cache = &cache;
  request.tokens = tokens.subspan(static_cast<size_t>(common));
  request.want = ForwardRequest::Want::kNone;
  SOTTO_RETURN_IF_ERROR(engine.Forward(request));
  return static_cast<int>(tokens.size()) - common;
}

SlmNextToken::SlmNextToken(BatchingEngine& engine, KvCache& cache, std::vector<int32_t> prompt)
    : engine_(engine), cache_(cache), prompt_(std::move(prompt)) {
  request_.cache = &cache_;
}

std::vector<int32_t> SlmNextToken::Encode(std::string_view text) const {
  // Frames such as <tool_call> are special tokens; what a user said cannot spell one (text/normalise.h).
  return engine_.model().tokenizer().Encode(text, {.parse_special = true});
}

Result<std::vector<float>> SlmNextToken::LogProbs(std::span<const int32_t> tokens,
                                                  std::span<const int32_t> rows, bool whole_vocabulary) {
  wanted_.assign(prompt_.begin(), prompt_.end());
  wanted_.insert(wanted_.end(), tokens.begin(), tokens.end());
  int common = cache_.CommonPrefix(wanted_);
  // The last position's hidden state is needed: compute it again if it is not at hand.
  if (static_cast<size_t>(common) == wanted_.size() &&
      (cache_.size() > common || cache_.last_hidden().empty())) {
    --common;
  }
  if (common < cache_.size()) cache_.Truncate(common);
  request_.tokens = std::span<const int32_t>(wanted_).subspan(static_cast<size_t>(common));
  request_.want = whole_vocabulary ? ForwardRequest::Want::kLast : ForwardRequest::Want::kLastRows;
  request_.rows = rows;
  const auto n_new = static_cast<int>(request_.tokens.size());
  SOTTO_RETURN_IF_ERROR(engine_.Forward(request_));
  if (prefilled_ < 0) prefilled_ = n_new;
  computed_ += n_new;

  const double normaliser = LogSumExp(request_.logits);
  std::vector<float> log_probs(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const float logit = whole_vocabulary ? request_.logits[static_cast<size_t>(rows[i])] : request_.logits[i];
    log_probs[i] = static_cast<float>(static_cast<double>(logit) - normaliser);
  }
  return log_probs;
}

std::string_view SlmNextToken::TokenBytes(int32_t token) const {
  return engine_.model().tokenizer().TokenBytes(token);
}

int32_t SlmNextToken::vocabulary_size() const {
  return static_cast<int32_t>(engine_.model().tokenizer().size());
}

}  // namespace sotto
