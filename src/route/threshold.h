// From how sure a step must be to be believed: one threshold for all tools and, where there were enough turns,
// one for a tool. Chosen on labelled turns that no model was trained on, with a proven bound:
//
//   The share of wrong answers among those at or above the threshold is below `max_error` with probability
//   `assurance`: the upper limit of Clopper and Pearson (Biometrika 26, 1934) on the turns that were accepted.
//   Thresholds are tried from the highest down and the search ends at the first that does not pass: fixed
//   sequence testing, which needs no correction for the number of tries (Angelopoulos et al., Learn then
//   Test, 2021). The first one tried is the highest that as many turns pass as the bound needs without any
//   error: that depends on the confidences alone, not on what was right.
//
// The bound is one on turns like those that it was measured on, drawn independently; turns of one conversation
// are not quite. Pure functions and values; any thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/understanding.h"
#include "route/surety.h"

namespace sotto {

// What a choice rests on.
struct ThresholdEvidence {
  size_t turns = 0;        // all there were
  size_t accepted = 0;     // at or above the threshold
  size_t errors = 0;       // of those accepted
  double upper_error = 1;  // limit of the share of errors with the assurance asked for
  bool operator==(const ThresholdEvidence&) const = default;
};

struct Thresholds {
  double overall = 0;                                  // in [0, 1]; above 1: nothing passes
  std::map<std::string, double, std::less<>> by_tool;  // instead of `overall`

  double Of(std::string_view tool) const;
  // The threshold that `understanding` misses, of the call that misses it most; nullopt: it passes. What a rule
  // made passes. A NaN does not. `sure`: how sure it is (route/surety.h); none: its own confidence.
  std::optional<double> Missed(const Understanding& understanding,
                               std::optional<double> sure = std::nullopt) const;
  bool operator==(const Thresholds&) const = default;
};

// One labelled turn, as a step answered it.
struct JudgedTurn {
  std::vector<std::string> tools;  // of its calls; at least one
  double confidence = 0;           // or its surety: what the thresholds are on
  bool right = false;
};

struct ThresholdGoal {
  std::optional<double> max_error = std::nullopt;     // in (0, 1)
  std::optional<double> strong_share = std::nullopt;  // instead: this share of turns goes on to the next step
  double assurance = 0.95;
};

struct FittedThresholds {
  Thresholds thresholds;
  ThresholdEvidence all;                                          // of the whole
  std::map<std::string, ThresholdEvidence, std::less<>> by_tool;  // of the tools with one of their own
};

// The least share of errors that is ruled out with `assurance` after `errors` in `n`: 1 for n = 0.
double UpperErrorLimit(size_t errors, size_t n, double assurance);
// The turns without an error that prove a share below `max_error`.
size_t TurnsNeeded(double max_error, double assurance);

// The cheapest thresholds that reach the goal. kNotFound: there are none, and why (how many turns would be
// needed). REQUIRES: exactly one of max_error and strong_share.
Result<FittedThresholds> FitThresholds(std::span<const JudgedTurn> turns, const ThresholdGoal& goal);

// The file route.json (docs/formats/route.md): thresholds with what they were fitted to and on.
struct ThresholdFile {
  Thresholds thresholds;
  std::string model;     // Model::id() of the step they are for
  std::string workflow;  // hash of its file
  std::string at;        // ISO 8601, UTC
  ThresholdGoal goal;
  ThresholdEvidence evidence;
  std::map<std::string, ThresholdEvidence, std::less<>> by_tool;
  std::string data;  // names of the files of turns
  // What the thresholds are on in place of the confidence, where it was learnt.
  struct Learnt {
    Surety surety;
    std::string known;  // KnownSentences::id() of those it was learnt with
    std::string data;   // names of the files of turns that it was learnt from
  };
  std::optional<Learnt> learnt = std::nullopt;
  // What the file said before, newest first: {at, overall, by_tool, model, evidence}.
  Json history = Json::array();
};
Json ToJson(const ThresholdFile& file);
// The error names the key.
Result<ThresholdFile> ThresholdFileFromJson(const Json& json);

}  // namespace sotto
