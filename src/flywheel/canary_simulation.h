// What a canary would do with callers that are made up: how often it promotes a candidate that is no better,
// how soon it notices one that is worse. Callers differ (each has an ease of their own), call again, say a few
// turns a call, and stand in the arm that the hash of their name says; a wrong turn is asked again or denied,
// two of them hand the call over. The same seed gives the same figures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "flywheel/canary.h"

namespace sotto {

struct CanarySimulation {
  std::string name = {};
  size_t runs = 1000;
  uint64_t seed = 1;
  double share = 0.05;      // of callers with the candidate
  double champion = 0.95;   // share of turns that are right
  double candidate = 0.95;  // the same
  double turns_a_call = 4;  // mean; at least one
  double spread = 0.5;      // of callers' ease, in the log-odds of a turn
  size_t callers = 20000;
  size_t most_turns = 500;  // with the candidate; then the run ends
  CanaryOptions options = {};
  std::function<void(size_t done, size_t total)> on_progress = nullptr;
};

struct CanarySimulated {
  size_t runs = 0;
  size_t promoted = 0;
  size_t rolled_back = 0;
  size_t held = 0;
  double median_turns_to_rollback = 0;  // with the candidate; 0: none
  double mean_calls = 0;                // with the candidate, until it ended
};

CanarySimulated Simulate(const CanarySimulation& simulation);
Json ToJson(const CanarySimulated& simulated);

}  // namespace sotto
