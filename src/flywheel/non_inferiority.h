// Is a candidate as good as the champion? Both answered the same turns, so turns are pairs and only those
// where one is right and the other wrong tell them apart.
//
//   McNemar's test, exact (binomial on the discordant pairs, two-sided): McNemar, Psychometrika 12, 1947.
//   Non-inferiority, one-sided, H0: right(candidate) - right(champion) <= -margin: the score test for paired
//   shares of Tango (Statistics in Medicine 17, 1998), which holds at small counts and without any discordant
//   pair; its limit by inversion.
//   Several tools must all pass: an intersection-union test, each at the full level (Berger, Technometrics 24,
//   1982).
//   Power: exact, if both are equally often right and disagree on a stated share of turns.
//
// Pure functions; shares and differences in [-1, 1]; any thread.
#pragma once

#include <cstddef>

namespace sotto {

struct PairedCounts {
  size_t n = 0;
  size_t both = 0;            // right
  size_t only_champion = 0;   // right
  size_t only_candidate = 0;  // right
  void Add(bool champion, bool candidate);

  double champion() const;   // share right; 0 of none
  double candidate() const;  // the same
  double difference() const { return candidate() - champion(); }
  double discordant() const;  // share
};

// Two-sided p value; 1 without discordant pairs.
double McNemarExact(const PairedCounts& counts);

struct NonInferiorityGoal {
  double margin = 0.01;  // in (0, 1): worse by less is as good
  double alpha = 0.05;   // chance to pass a candidate that is worse by the margin
  double power = 0.80;   // with which one that is as good should pass
  // The share of turns on which equally good models disagree: what was observed, but at least this.
  double least_discordant = 0.02;
};

struct NonInferiorityResult {
  bool shown = false;
  double p = 1;             // of H0
  double lower = -1;        // one-sided limit of the difference, with 1 - alpha
  double power = 0;         // of this test at this number of turns
  size_t turns_needed = 0;  // for goal.power
  bool enough() const { return power >= goal_power; }
  double goal_power = 0;
};

NonInferiorityResult TestNonInferiority(const PairedCounts& counts, const NonInferiorityGoal& goal);

// Tango's statistic at the null difference -margin: approximately normal. REQUIRES: n > 0, margin in (-1, 1).
double TangoScore(size_t n, size_t only_candidate, size_t only_champion, double margin);
// Chance that `n` turns pass two equally good models that disagree on the share `discordant`.
double NonInferiorityPower(size_t n, double discordant, const NonInferiorityGoal& goal);

}  // namespace sotto
