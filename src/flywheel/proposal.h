// What the logs say the next model should be: none (nothing is wrong), one that learns on from what the log proves, a
// specialist from scratch, or an adapter (LoRA) of the general model that is live; and what comes before that: labels,
// tools that nobody has written yet. Rules, each with the figure that it went by; who trains decides. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "flywheel/clean.h"
#include "flywheel/drift.h"
#include "flywheel/patterns.h"
#include "flywheel/watch.h"

namespace sotto {

// What understands now.
enum class LiveModel : uint8_t {
  kNone,        // rules alone, or a model elsewhere
  kSpecialist,  // of `sotto train`
  kGeneral,     // any other GGUF model
};

struct Proposal {
  enum class Train : uint8_t { kNone, kContinue, kScratch, kLora };
  Train train = Train::kNone;
  std::vector<std::string> because;  // a sentence each
  std::vector<std::string>
      tools;          // examples of requests that no tool serves: to be written, or left to people
  size_t labels = 0;  // to give before it is worth while; 0: enough are there
  std::vector<std::string> commands;  // in order, as they would be typed
};
std::string_view TrainName(Proposal::Train train);  // "continue"

struct ProposalInput {
  const Workflow* workflow = nullptr;
  const Watched* watched = nullptr;
  const Patterns* patterns = nullptr;
  const Drift* drift = nullptr;  // against training; may be null
  const Cleaned* cleaned = nullptr;
  LiveModel model = LiveModel::kSpecialist;
  std::string model_hash;  // of the workflow that the model was trained for; empty: it does not say
  // As commands name them.
  std::string folder, model_path, store, out;
};

// REQUIRES: nothing but `drift` is null.
Proposal Propose(const ProposalInput& input);
Json ToJson(const Proposal& proposal);
// For people.
std::string ProposalText(const Proposal& proposal);

}  // namespace sotto
