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

SlmNextToken::SlmNextToken(BatchingEngine& engine, KvCache& cache, std::vector<int32_t> prompt,
                           std::vector<int32_t> draft)
    : engine_(engine), cache_(cache), prompt_(std::move(prompt)), draft_(std::move(draft)) {
  request_.cache = &cache_;
  request_.want = ForwardRequest::Want::kHidden;
}

std::vector<int32_t> SlmNextToken::Encode(std::string_view text) const {
  // Frames such as <tool_call> are special tokens; what a user said cannot spell one (text/normalise.h).
  return engine_.model().tokenizer().Encode(text, {.parse_special = true});
}

Result<bool> SlmNextToken::Compute(std::span<const int32_t> rows) {
  const auto d = static_cast<size_t>(engine_.model().config().d_model);
  const auto n_wanted = static_cast<int>(wanted_.size());
  const int n_states = static_cast<int>(states_.size() / d);
  int common = cache_.CommonPrefix(wanted_);
  if (common == n_wanted && n_states > 0 && first_state_ < n_wanted && n_wanted <= first_state_ + n_states)
    return false;
  // The last position's own state is needed: it is computed again if it was not kept.
  common = std::min(common, n_wanted - 1);
  if (common < cache_.size()) cache_.Truncate(common);
  if (n_states > 0 && common >= first_state_ && common <= first_state_ + n_states) {
    states_.resize(static_cast<size_t>(common - first_state_) * d);
  } else {
    states_.clear();
    first_state_ = common;
  }
  feed_.assign(wanted_.begin() + common, wanted_.end());
  const size_t n_tokens = wanted_.size() - prompt_.size();
  const bool agrees = n_tokens < draft_.size() &&
                      std::equal(draft_.begin(), draft_.begin() + static_cast<std::ptrdiff_t>(n_tokens),
                                 wanted_.begin() + static_cast<std::ptrdiff_t>(prompt_.size()));
  if (agrees) feed_.insert(feed_.end(), draft_.begin() + static_cast<std::ptrdiff_t>(n_tokens), draft_.end());
  request_.tokens = feed_;
  request_.rows = rows;
  request_.logits_at = n_wanted - common - 1;
  SOTTO_RETURN_IF_ERROR(engine_.Forward(request_));
  states_.insert(states_.end(), request_.hidden.begin(), request_.hidden.end());
  const int n_new = n_wanted - common;
  if (prefilled_ < 0) prefilled_ = n_new;
  computed_ += static_cast<int>(feed_.size());
  return true;
}

Result<std::vector<float>> SlmNextToken::LogProbs(std::span<const int32_t> tokens,
                                                  std::span<const int32_t> rows, bool whole_vocabulary) {
  wanted_.assign(prompt_.begin(), prompt_.end());
  wanted_.insert(wanted_.end(), tokens.begin(), tokens.end());
  const std::span<const int32_t> wanted_rows = whole_vocabulary ? std::span<const int32_t>() : rows;
  SOTTO_ASSIGN_OR_RETURN(const bool computed, Compute(wanted_rows));
  if (!computed) {
    const auto d = static_cast<size_t>(engine_.model().config().d_model);
    const auto at = static_cast<size_t>(static_cast<int>(wanted_.size()) - 1 - first_state_) * d;
    decision_.hidden = std::span(states_).subspan(at, d);
    decision_.rows = wanted_rows;
    SOTTO_RETURN_IF_ERROR(engine_.LogitsOf(decision_));
  }
  const std::vector<float>& logits = computed ? request_.logits : decision_.logits;
  const double normaliser = LogSumExp(logits);
  if (!std::isfinite(normaliser)) {
    return MakeError(ErrorCode::kCorrupt, "{}: the model's logits are no finite numbers",
                     engine_.model().path());
  }
  std::vector<float> log_probs(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const float logit = whole_vocabulary ? logits[static_cast<size_t>(rows[i])] : logits[i];
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
