// A labelled conversation as the token sequence a specialist is trained on, and which tokens carry loss:
//   <|bos|> { [<|state|> expectation] <|user|> normalised text <|call|> calls <|end|> }
// Loss lies on the call tokens and <|end|> (weight 1; of a name-only turn on its first call token alone) and,
// a little, on the words of some user turns (a language model of what people say helps the rest; measured).
#pragma once

#include <span>
#include <vector>

#include "base/random.h"
#include "brain/offered_tool.h"
#include "brain/prompt.h"
#include "core/conversation_jsonl.h"
#include "slm/tokenizer.h"

namespace sotto {

struct SequenceOptions {
  double dropout = 0;        // BPE dropout of user texts
  double text_share = 0;     // share of user turns whose words carry loss
  float text_weight = 0.1f;  // of that loss
  bool day_first = false;    // the workflow writes 3/4 for the third of April (text/dates.h)
};

struct TrainSequence {
  std::vector<int32_t> tokens;
  std::vector<float> weights;  // of predicting tokens[i]; 0 for i = 0
  struct TurnRange {
    int begin = 0;  // first call token
    int end = 0;    // behind <|end|>, or behind the only token that counts
    bool scored = true;
  };
  std::vector<TurnRange> turns;
};

// `tools` may be empty: arguments then keep their order. REQUIRES: every turn has a call.
TrainSequence EncodeConversation(const LabelledConversation& labelled, std::span<const OfferedTool> tools,
                                 const Tokenizer& tokenizer, const SequenceOptions& options, Random& random);

// Appends a turn of which only the tool's name is known.
void AppendNameOnlyTurn(const Turn& turn, std::span<const OfferedTool> tools, const Tokenizer& tokenizer,
                        const SequenceOptions& options, Random& random, TrainSequence& sequence);

// The same for any model, through the prompt form of its own chat template; the fixed prefix (system, tools)
// carries no loss.
TrainSequence EncodeWithPrompt(const LabelledConversation& labelled, std::span<const ToolSpec> specs,
                               std::span<const OfferedTool> tools, const Workflow& workflow,
                               const PromptForm& form);

}  // namespace sotto
