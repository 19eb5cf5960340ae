// What later events say about what a turn was taken for. A call that was read back, confirmed and carried out
// is a label; what a caller took back is none; a correction says what the turn before meant; a hand-off is a
// question to people.
//
//   proof         what it rests on
//   person        somebody said what was meant: a label of theirs, or they answered in the conversation
//   confirmed     every task that the turn began or filled was confirmed by the caller and done
//   executed      done without a read-back, and not taken back
//   corrected     taken back or not understood; said again in like words, confirmed or done: that call
//   imported      the log says it, and its source is one whose calls are labels
//   unchallenged  nothing was done about it and nobody objected: said surely (greetings, "repeat")
//
// Everything else is dropped, with a reason. Pure functions over one conversation; any thread.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "flywheel/log_view.h"
#include "workflow/workflow.h"

namespace sotto {

enum class Proof : uint8_t { kNone, kPerson, kConfirmed, kExecuted, kCorrected, kImported, kUnchallenged };
std::string_view ProofName(Proof proof);  // "confirmed"; "" for none

// What a person (or a committee) said that a turn meant.
struct GivenLabel {
  std::vector<ToolCall> calls;  // empty: it cannot be told, or it is nothing that is served
  std::string author;
};

struct EvidenceOptions {
  double min_confidence = 0.6;  // below: unsure, unless the caller confirmed
  double sure = 0.9;            // from here on unchallenged turns count
  double min_heard = 0.8;       // HeardConfidence below: misheard
  double alike = 0.4;           // Likeness from which words said again are the same request
  std::set<std::string> label_sources{"conversations"};  // whose calls are labels
  bool unchallenged = false;                             // keep these too
  std::function<std::optional<GivenLabel>(const std::string& session, int turn)> label_of = {};
  // Whether somebody sure of it takes an imported turn for another tool than its label says: no label then, and a
  // question (flywheel_input.h asks the champion).
  std::function<bool(const std::string& session, int turn)> doubted = {};
  // Why a conversation cannot be learnt from: the schema, what was never said (brain/label_rules.h).
  std::function<std::optional<std::string>(const Conversation&)> why_invalid = {};
};

struct ProvenTurn {
  const StoredTurn* turn = nullptr;
  std::vector<ToolCall> calls;  // what it meant, where there is a proof
  Proof proof = Proof::kNone;
  std::string author;     // of a person's label
  std::string dropped;    // why it is no label; empty where it is one
  bool question = false;  // worth a person's look
};

// Of every turn with words, in order. The turns outlive the result.
std::vector<ProvenTurn> JudgeTurns(std::span<const StoredTurn> part, const Workflow& workflow,
                                   const EvidenceOptions& options);

}  // namespace sotto
