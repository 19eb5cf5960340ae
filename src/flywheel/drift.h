// How far what callers say now is from what the model learnt, or from an earlier time: shares of tools (population
// stability index), words never seen, and how sure the model still is. Pure; any thread.
//
// PSI = sum over tools of (p - q) ln(p / q), p and q with half a turn added to each: below 0.1 the same, from 0.25
// on another population (Siddiqi 2006, Credit Risk Scorecards).
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/conversation_jsonl.h"
#include "flywheel/log_view.h"

namespace sotto {

// What is compared: of a log or of training data.
struct SpeechProfile {
  std::string name;  // "training", "before 2026-11-02"
  size_t turns = 0;
  std::map<std::string, size_t> tools;  // turns whose first call it is; control tools are left out
  std::map<std::string, size_t> words;  // of the spoken form; placeholders are left out
  double confidence = 0;                // mean; 0: not known
  size_t unsure = 0;                    // turns below the policy's accept
};

SpeechProfile ProfileOfLog(const LogView& log, std::string name, double accept);
SpeechProfile ProfileOfData(const std::vector<LabelledConversation>& rows, std::string name);
// Words that a workflow knows without an example: entity values and their synonyms, examples of tools.
void AddWords(std::string_view text, SpeechProfile& profile);

struct Drift {
  std::string against;
  double psi = 0;
  struct Tool {
    std::string name;
    double now = 0, then = 0;  // shares
    double psi = 0;            // its part
  };
  std::vector<Tool> tools;                                   // the largest part first
  size_t words = 0;                                          // said now, counted as often as they were said
  size_t unseen = 0;                                         // of them never seen then
  std::vector<std::pair<std::string, size_t>> unseen_words;  // the most frequent first
  double confidence_now = 0, confidence_then = 0;
  double unsure_now = 0;  // share of turns
};

Drift DriftOf(const SpeechProfile& now, const SpeechProfile& then);
Json ToJson(const Drift& drift);

}  // namespace sotto
