// Public text data by others as training rows: real people's sentences with the tool that serves them, or
// with the workflow's unclear tool where none does. Only sets whose licence allows training a committed model
// are read; which of a set's intents a tool serves says the workflow's own `public_data.yaml`:
//
//   clinc150:
//     - {intents: [balance], tool: check_balance}      # a row must have one of them (`all: true`: all)
//     - {intents: [handoff], without: [loan], tool: speak_to_human}
//     - {intents: ["*"], skip: [transactions, yes], tool: intent_unclear}
//
//     - {intents: [yes, no], stateless: true, tool: intent_unclear}  # unserved only where nothing was asked
//
// Of a set with several rules the first that fits a row decides; a row that no rule fits is left out. Of
// these rows only the tool's name is known (unless it takes no arguments). Nothing here is written to the
// project.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/conversation_jsonl.h"
#include "workflow/workflow.h"

namespace sotto {

enum class PublicSplit {
  kTrain,    // sentences that also stand in a held-out split are left out
  kHeldOut,  // for measuring only
};

struct PublicSentences {
  std::vector<LabelledConversation> served;  // one turn each, by set and row
  std::vector<std::string> unserved;         // sentences of the unclear tool
  std::vector<std::string> stateless;        // of them, those that would answer a question if one was asked
  std::map<std::string, size_t> counts;      // "clinc150 check_balance" -> rows
};

// Sets that may train a committed model, with what a card must say of them.
struct PublicSet {
  std::string name;
  std::string licence;
};
const std::vector<PublicSet>& UsablePublicSets();

// `data` holds sets/NAME/{train,valid}.jsonl. The error names file and line, or a set that may not be used.
Result<PublicSentences> ReadPublicSentences(const Workflow& workflow, const std::filesystem::path& data,
                                            PublicSplit split);

// The unserved sentences as rows.
std::vector<LabelledConversation> UnclearRows(const Workflow& workflow,
                                              const std::vector<std::string>& sentences);

}  // namespace sotto
