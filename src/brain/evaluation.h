// How often a brain is right (design 3.3): every user turn is scored with the gold history before it, exact
// match of the list of calls, name alone, per tool, per conversation, calibration, risk and coverage, time a
// turn.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "brain/brain.h"
#include "brain/calibration.h"
#include "core/conversation_jsonl.h"

namespace sotto {

struct EvaluationOptions {
  std::function<void(Conversation&)> corrupt;  // what a recogniser would do to the user texts; may be empty
  // How the words of the rows came about: data sets are what recognisers wrote.
  Channel channel = Channel::kSpoken;
  bool own_history = false;  // the brain's own earlier calls instead of the gold ones
  bool expectations = true;  // give the rows' expectations to the brain, where they have any
  std::function<void(size_t done, size_t total)> on_progress;  // conversations; may be empty
};

struct ScoredTurn {
  int line = 0;  // of the conversation in its file
  int turn = 0;  // from 1
  std::string user;
  std::vector<ToolCall> gold;
  std::vector<ToolCall> got;
  bool name_right = false;
  bool exact = false;  // of a name-only row: the name
  double confidence = 0;
  ConfidenceFeatures features;  // where the model decided
  MadeBy made_by = MadeBy::kModel;
  Understanding understanding;  // whole
  Expectation expectation;      // with which it was said
  double ms = 0;
};

struct Evaluation {
  std::vector<ScoredTurn> turns;
  size_t conversations = 0;
  size_t conversations_exact = 0;

  // Shares in 0..1; 0 where there is nothing to count.
  double exact() const;
  double name() const;
};

// Offers a row's own tools, else the workflow's; the control tools only if the rows' gold uses them.
Result<Evaluation> Evaluate(std::shared_ptr<const Brain> brain, std::span<const LabelledConversation> rows,
                            const EvaluationOptions& options);

// The keys of design 3.3.
Json ToJson(const Evaluation& evaluation);

}  // namespace sotto
