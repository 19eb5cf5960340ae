// Champion against candidate: the verdict on turns that both answered. Who answers them is the caller's
// (brain/evaluation.h); here is what follows from the answers.
//
//   refused   the candidate was trained on what it is examined with
//   worse     it is shown to be worse: overall (McNemar), or on a tool (the same, Bonferroni over the tools)
//   hold      not shown to be as good: too few turns, not within the margin, a dialogue that breaks, training
//             data that nobody named
//   pass      as good within the margins on every set and on every tool, with the power asked for
//
// Values and pure functions; any thread.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/tool.h"
#include "flywheel/contamination.h"
#include "flywheel/non_inferiority.h"

namespace sotto {

struct PairedTurn {
  int line = 0;
  int turn = 0;
  std::string user = {};
  std::string tool = {};   // of the gold calls, the first
  bool champion = false;   // right
  bool candidate = false;  // right
  bool differ = false;     // other calls, right or wrong
};

struct PairedSet {
  std::string name = {};  // "gold.jsonl"
  bool noise = false;     // the same turns as of a set before, misheard: not counted for the tools again
  size_t conversations = 0;
  std::vector<PairedTurn> turns = {};
};

struct PairedDialogue {
  std::string name;
  bool champion = false;  // passed
  bool candidate = false;
};

struct EvaluateGoal {
  NonInferiorityGoal overall = {.margin = 0.01};
  NonInferiorityGoal tool = {.margin = 0.05};
  double most_contaminated = 0.01;  // share of texts found in the training data from which on it is refused
};

enum class EvaluateVerdict { kPass, kHold, kWorse, kRefused };
std::string_view EvaluateVerdictName(EvaluateVerdict verdict);  // "pass"

struct Comparison {
  PairedCounts counts;
  double mcnemar = 1;
  NonInferiorityResult test;
};

struct EvaluateReport {
  EvaluateVerdict verdict = EvaluateVerdict::kHold;
  std::vector<std::string> reasons;  // why it is not a pass; one line each
  std::vector<std::pair<std::string, Comparison>> sets;
  std::map<std::string, Comparison> tools;  // over the sets without noise
  size_t flips = 0;                         // turns that both answered differently, without noise
  size_t dialogues = 0;
  size_t dialogues_champion = 0;  // passed
  size_t dialogues_candidate = 0;
  std::vector<std::string> broken;             // dialogues that only the champion passes
  std::optional<Contamination> contamination;  // nullopt: nobody named what it was trained on
  EvaluateGoal goal;
};

// `contamination`: nullopt where the training data is not known.
EvaluateReport Judge(std::span<const PairedSet> sets, std::span<const PairedDialogue> dialogues,
                     const std::optional<Contamination>& contamination, const EvaluateGoal& goal);

// Of machines; `verdict`, `reasons`, `sets`, `tools`, `dialogues`, `contamination`, `goal`.
Json ToJson(const EvaluateReport& report);
// For people: tables of GitHub's Markdown. `command`: what made it.
std::string ToMarkdown(const EvaluateReport& report, std::string_view champion, std::string_view candidate,
                       std::string_view command);
// The same of the JSON that an act keeps. kCorrupt: it is no such report.
Result<std::string> EvaluationMarkdown(const Json& report, std::string_view champion,
                                       std::string_view candidate, std::string_view command);

}  // namespace sotto
