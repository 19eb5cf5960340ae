// What a route would have made of turns that were answered before, with a big model that is only simulated:
// right with a stated probability, late by a stated distribution (log-normal, from its mean and 95th
// percentile), the same for every way of choosing. For each share of turns that goes to it: quality, cost,
// times. Pure functions; the same seed gives the same figures.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/json.h"
#include "route/threshold.h"

namespace sotto {

struct ReplayTurn {
  std::vector<std::string> tools;  // of the local calls
  double confidence = 0;           // calibrated
  double surety = 0;               // what the thresholds are on (route/surety.h)
  double softmax = 0;              // the product of the decisions' probabilities
  bool right = false;              // the local answer
  double ms = 0;                   // of the local answer
};

struct SimulatedRemote {
  double accuracy = 0.95;
  double mean_ms = 800;
  double p95_ms = 2000;
  double price = 0.001;  // USD a turn
  uint64_t seed = 1;
};

struct ReplayPoint {
  double escalated = 0;          // share of turns
  double quality = 0;            // share answered right, whoever answered
  double local_error = 0;        // of what was answered locally; 0 where nothing was
  double local_error_upper = 1;  // its limit with 95 % (Clopper-Pearson)
  double cost = 0;               // USD for 1000 turns
  double p50_ms = 0;
  double p95_ms = 0;
};

struct Replay {
  // By the share that is escalated, 0 to 1 in steps of 0.05: the least confident first.
  std::vector<ReplayPoint> routed;  // by `surety`
  std::vector<ReplayPoint> confidence;
  std::vector<ReplayPoint> softmax;
  std::vector<ReplayPoint> random;
  ReplayPoint always_local;
  ReplayPoint always_remote;
  std::optional<ReplayPoint> thresholds;  // where they were given
};

// kInvalidArgument: no turns, an accuracy outside of [0, 1], a 95th percentile below the mean or too far from
// it for any log-normal distribution.
Result<Replay> ReplayTurns(std::span<const ReplayTurn> turns, const SimulatedRemote& remote,
                           const Thresholds* thresholds);

Json ToJson(const Replay& replay);
// Quality over the share escalated, one line for each way of choosing: an SVG of 720 x 440. `judged`: the surety is one of
// its own and not the confidence.
std::string ReplayPlot(const Replay& replay, std::string_view title, bool judged);

}  // namespace sotto
