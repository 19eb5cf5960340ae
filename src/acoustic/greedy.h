// The plainest use of a speech engine: the most probable token, step by step. What the program writes of a
// file where no workflow is given, and the measure of what searches add.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "acoustic/encoder_decoder.h"

namespace sotto {

struct GreedyText {
  std::string text;              // without spaces at its ends
  std::vector<TokenId> tokens;   // without BOS and EOS
  std::vector<float> log_probs;  // of each token
  float end_log_prob = 0.0f;     // of EOS; 0 where the limit ended it
};

struct GreedyOptions {
  double tokens_per_second = 6.5;  // the limit, as the model's authors set it, to stop loops
  bool first_may_end = false;      // EOS as the first token: leading silence makes the model end at once
};

Result<GreedyText> DecodeGreedily(SpeechEngine& engine, const std::shared_ptr<const EncodedSpeech>& speech,
                                  GreedyOptions options = {});

}  // namespace sotto
