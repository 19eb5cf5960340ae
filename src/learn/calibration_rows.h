// Texts to calibrate a quantisation with: labelled conversations as the tokens that the model computes when it
// answers them, chosen so that rare tools are in it, too. Pure functions; any thread.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/conversation_jsonl.h"
#include "slm/model.h"
#include "workflow/workflow.h"

namespace sotto {

// `most` of the rows: tool after tool in turn, each giving one that has a call of it, the rarest first. The same
// seed chooses the same.
std::vector<LabelledConversation> StratifiedByTool(std::span<const LabelledConversation> rows, size_t most,
                                                   uint64_t seed);

// One sequence a row: the fixed prefix of the model's prompt form, then turn after turn with its calls. Turns
// without a call end the row. kInvalidArgument: no prompt form, tools of the workflow that cannot be offered.
Result<std::vector<std::vector<TokenId>>> EncodeRows(std::shared_ptr<const Model> model,
                                                     const Workflow& workflow,
                                                     std::span<const LabelledConversation> rows);

}  // namespace sotto
