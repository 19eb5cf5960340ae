// Decodes the calls of one turn: which tools, which arguments, which values. Everything that can come out is
// allowed by the tool's schema and grounded in what was said; what is certain is written without asking the
// model.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "brain/choice.h"
#include "brain/grounding.h"
#include "brain/offered_tool.h"
#include "core/understanding.h"

namespace sotto {

// How calls stand in the model's own prompt form: open {"name": NAME, KEY: {...}} [between ...] close end.
struct CallFrame {
  std::string open;
  std::string between;
  std::string close;
  std::string arguments_key = "arguments";
  int32_t end_token = -1;
};

struct DecodedCall {
  ToolCall call;
  double log_prob = 0;  // of all its decisions
  double name_log_prob = 0;
  double min_margin = 1;
  std::vector<std::pair<std::string, double>>
      argument_log_probs;         // presence and value, in the order they were written
  std::vector<UnfitValue> unfit;  // chosen, but no value of its argument: not in `call`
};

struct DecodedTurn {
  std::vector<DecodedCall> calls;  // at least one
  double log_prob = 0;             // of all decisions, the end included
  double min_log_prob = 0;         // of the least certain decision
  double min_margin = 1;
  int decided = 0;
  std::string text;  // as the model wrote it, frame included
};

// Decodes a value by the grammar of its schema, where no finite list of values exists. Appends it to the
// writer and returns the JSON text and its log-probability.
using SchemaValueDecoder =
    std::function<Result<std::pair<std::string, double>>(ChoiceWriter&, const OfferedArgument&)>;

struct CallDecoderOptions {
  int max_calls = 4;
  // Replays: the calls to take after every decision has been computed. Values that are not offered are an
  // error.
  const std::vector<ToolCall>* forced = nullptr;
};

Result<DecodedTurn> DecodeCalls(NextToken& model, std::span<const OfferedTool> tools,
                                const Grounding& grounding, const CallFrame& frame,
                                const SchemaValueDecoder& decode_schema_value,
                                const CallDecoderOptions& options = {});

}  // namespace sotto
