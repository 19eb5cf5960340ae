#include "acoustic/greedy.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"

namespace sotto {

Result<GreedyText> DecodeGreedily(SpeechEngine& engine, const std::shared_ptr<const EncodedSpeech>& speech,
                                  GreedyOptions options) {
  const SpeechConfig& config = engine.model().config();
  const double seconds = static_cast<double>(speech->n_samples()) / 16000.0;
  const auto limit =
      std::min(config.max_tokens - 1,
               static_cast<size_t>(std::ceil(seconds * std::max(0.0, options.tokens_per_second))));
  GreedyText greedy;
  Beam beam(speech);
  BeamStep step;
  step.beams = {&beam};
  step.tokens = {config.bos};
  while (greedy.tokens.size() < limit) {
    SOTTO_RETURN_IF_ERROR(engine.Step(step));
    std::span<float> logits = step.logits;
    const auto eos = static_cast<size_t>(config.eos);
    const float end = logits[eos] - step.log_sum[0];
    if (greedy.tokens.empty() && !options.first_may_end) logits[eos] = -INFINITY;
    const auto best = static_cast<size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    if (best == eos) {
      greedy.end_log_prob = end;
      break;
    }
    greedy.tokens.push_back(static_cast<TokenId>(best));
    greedy.log_probs.push_back(logits[best] - step.log_sum[0]);
    step.tokens = {greedy.tokens.back()};
  }
  greedy.text = engine.model().tokenizer().Decode(greedy.tokens);
  const size_t begin = greedy.text.find_first_not_of(' ');
  const size_t last = greedy.text.find_last_not_of(' ');
  greedy.text = begin == std::string::npos ? "" : greedy.text.substr(begin, last - begin + 1);
  return greedy;
}

}  // namespace sotto
