// Generates labelled conversations for a workflow: the simulator plays, the validators check, the coverage is
// counted.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/conversation_jsonl.h"
#include "learn/coverage.h"
#include "learn/simulator.h"

namespace sotto {

// Conversations that people wrote, in a workflow's folder: the seeds that it began with, and what others said
// who were asked how they would put it.
inline constexpr const char* kSeedsFile = "seed.jsonl";
inline constexpr const char* kVoicesFile = "voices.jsonl";

struct SynthOptions {
  size_t count = 1000;
  uint64_t seed = 1;
  SimulatorOptions simulator;
  // Folder of public data (learn/public_data.h) whose unserved sentences the people in it also say; empty:
  // none.
  std::filesystem::path data;
  // done, total; may be empty
  std::function<void(size_t, size_t)> progress;
};

struct Synthesised {
  std::vector<LabelledConversation> conversations;
  Coverage coverage;
  size_t n_patterns = 0;
  std::map<std::string, size_t> dropped;  // why, how many conversations
};

// Everything the generator speaks with: the general book, the workflow's phrases and seeds, the confusions of
// its folder (confusions.tsv), if there are any.
Result<std::shared_ptr<const PhraseBook>> LoadBook(const Workflow& workflow);
Result<std::shared_ptr<const Confusions>> LoadConfusions(const Workflow& workflow);

// The same options give the same conversations. The error: the workflow has nothing to generate from.
Result<Synthesised> Synthesise(std::shared_ptr<const Workflow> workflow, const SynthOptions& options);

}  // namespace sotto
