// How often a model is right on labelled conversations, teacher-forced: a turn is exact if every call token,
// <|end|> included, is the most likely one given the gold tokens before it, which is what unconstrained
// greedy decoding with the gold history would produce. (`sotto eval` measures with the constrained decoder;
// this is the trainer's own look.)
#pragma once

#include <span>
#include <string>
#include <vector>

#include "trainer/decoder.h"
#include "trainer/sequence.h"

namespace sotto {

struct TurnScore {
  size_t row = 0;  // index of the conversation
  size_t turn = 0;
  bool name_right = false;  // first call token
  bool exact = false;
  double confidence = 1;  // product of the probabilities of the most likely tokens along the gold ones
};

struct Score {
  std::vector<TurnScore> turns;
  size_t conversations = 0;
  size_t conversations_exact = 0;
  double loss = 0;  // per call token

  double exact() const;
  double name() const;
  // Area under the ROC curve of "exact" by confidence; 1 where only one outcome occurs.
  double auroc() const;
};

// `passes`: one a worker thread; all with the weights refreshed.
Score ScoreConversations(std::span<const std::unique_ptr<Pass>> passes, const Weights& weights,
                         std::span<const LabelledConversation> rows, std::span<const OfferedTool> tools,
                         const Tokenizer& tokenizer, int batch_tokens = 4096);

}  // namespace sotto
