// How the assistant does, from its log: the rates that a business watches, of all and tool by tool, each with its
// interval, and which of them are beyond their limits. Pure; any thread.
//
//   completion   of tasks that were begun: carried out and well ended
//   fallback     of turns with words: not understood
//   hand-off     of conversations: a person took over
//   again        of turns with words: after them the same was asked again
//   accuracy     of labelled turns of the random sample: understood as people say they were meant
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "flywheel/drift.h"
#include "flywheel/watch_intervals.h"
#include "workflow/workflow.h"

namespace sotto {

struct ToolRates {
  ShareInterval completion, fallback, hand_off, again, accuracy;
};

struct WatchLimits {
  double completion = 0.95;  // at least
  double fallback = 0.20;    // at most
  double hand_off = 0.15;    // at most
  double again = 0.10;       // at most
  double accuracy = 0.95;    // at least
  double psi = 0.25;         // at most
  size_t least = 30;         // tasks, turns or conversations below which nothing is said
};

struct WatchAlert {
  std::string what;  // "completion"
  std::string tool;  // empty: all
  double value = 0, limit = 0;
  bool certain = false;  // the whole interval is beyond the limit
  std::string text;      // one line
};

struct Watched {
  std::string first, last;
  size_t sessions = 0, turns = 0;
  ToolRates all;
  std::map<std::string, ToolRates> tools;
  double cost = 0;         // USD that were paid
  double remote_cost = 0;  // USD, had every turn gone to a model elsewhere
  double psi = 0;
  bool has_psi = false;
  std::vector<WatchAlert> alerts;
};

struct WatchInput {
  WatchLimits limits;
  double remote_price = 0;       // USD a turn
  const Drift* drift = nullptr;  // may be null
  // What people say that a turn of the random sample meant; nothing: not labelled, not in the sample.
  std::function<std::optional<std::vector<ToolCall>>(const std::string& session, int turn)> sample = {};
};

Watched WatchLog(const LogView& log, const Workflow& workflow, const WatchInput& input);
Json ToJson(const Watched& watched);
// For people; one line a tool.
std::string WatchText(const Watched& watched);

}  // namespace sotto
