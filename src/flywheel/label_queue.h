// Which turns people should look at, the most worthwhile first: how unsure the assistant was, times how often it
// is said, times what it costs when it goes wrong. Near-duplicates are one item. With each comes its conversation
// and what it may have meant: what was understood, what was proven of like words, what models vote for.
//
// Pure; any thread. Files of items go to people who work elsewhere and come back with labels.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "flywheel/clean.h"
#include "flywheel/label_store.h"

namespace sotto {

struct LabelCandidate {
  std::vector<ToolCall> calls;
  double confidence = 0;
  std::string from;  // "understood", "like SESSION/TURN", "model:NAME"
};

struct LabelItem {
  std::string session;
  int turn = 0;
  std::string words;
  std::string state;                              // StateText
  std::string why;                                // of CleanQuestion, or "sample"
  std::vector<std::string> context;               // "caller: ...", "assistant: ...", the turns before
  std::vector<LabelCandidate> candidates;         // the surest first
  std::vector<std::pair<std::string, int>> like;  // further turns that are the same: a label is theirs too
  size_t count = 1;
  double uncertainty = 0, cost = 0, worth = 0;
  bool sample = false;
  std::string audio;  // path of the recording; empty: none
  // Where it lies in the recording of its call, if a server made one (docs/formats/recordings.md). Not written to files.
  std::string at = {};                              // ISO 8601, when the turn began
  double speech_start_ms = -1, speech_end_ms = -1;  // since the call began; -1: it was not spoken
};

struct QueueOptions {
  size_t most = 200;
  double near = 0.85;        // Likeness from which two turns in the same state are one item
  double hand_off_cost = 5;  // a person's time, in turns of the assistant
  double usd_cost = 100;     // how many turns a USD that was paid counts as
  size_t sample = 0;         // instead: so many turns by lot, understood or not, for measuring
  uint64_t seed = 1;
  std::string author =
      {};  // who is asked: turns that they labelled are left out, and, of those that one other
  double second =
      0.1;  // person labelled, this share by lot is asked again; empty: what anybody labelled is out
};

// `labels`: turns that have one are left out, models' votes become candidates.
std::vector<LabelItem> BuildQueue(const LogView& log, const Cleaned& cleaned,
                                  const std::vector<Label>& labels, const QueueOptions& options);

Json ToJson(const LabelItem& item);  // with "label": null, "reason": "", to be filled in
// Labels for the turn and for those like it.
std::vector<Label> LabelsOf(const LabelItem& item, const std::vector<ToolCall>& calls,
                            const std::string& author, const std::string& reason);

Result<void> WriteQueue(const std::vector<LabelItem>& items, const std::filesystem::path& path);
// Rows that were filled in, as labels. `listed`: "path:line: why" of rows that are none; rows without a label are
// passed over.
Result<std::vector<Label>> ReadLabels(const std::filesystem::path& path, const std::string& author,
                                      std::vector<std::string>& listed);

}  // namespace sotto
