// A test of two arms that may be looked at after every call and stopped at any of them: an e-process.
//
//   H0: the candidate's share of troubled calls is not above the champion's ("harm" is its rejection), or not
//   below it ("gain").
//
// Calls are taken in blocks of `champions` of the champion's arm and one of the candidate's. A block multiplies
// the evidence by  prod_a p_a(y) / p_0(y) * p_b(y) / p_0(y),  p_0 = (m p_a + p_b) / (m + 1): an e-variable,
// whatever p_a and p_b, as long as they do not look at the block. They are learnt from the blocks before it
// and kept at least `effect` apart. Under H0 evidence >= 1 / alpha is ever reached with probability at most
// alpha (Ville), however often one looks and whenever one stops.
// Source: Turner, Ly, Gruenwald, "Generic E-variables for exact sequential k-sample tests that allow for
// optional stopping", Journal of Statistical Planning and Inference 230, 2024.
//
// Exact for outcomes that are independent and yes or no: that is why the unit is a call, not a turn. Values;
// one thread at a time.
#pragma once

#include <cstddef>
#include <deque>

namespace sotto {

class TwoArmEvidence {
 public:
  enum class Direction { kHarm, kGain };  // of the candidate's share of `true`

  // `champions`: calls of the champion's arm a block, the ratio of the arms. `effect`: the least difference
  // that matters, in (0, 1).
  TwoArmEvidence(Direction direction, size_t champions, double effect);

  void AddChampion(bool troubled);
  void AddCandidate(bool troubled);

  // log(evidence) of the blocks that are whole, the highest so far: rejected once it reaches log(1 / alpha).
  double peak_log_evidence() const { return peak_; }
  double log_evidence() const { return log_evidence_; }
  size_t blocks() const { return blocks_; }

 private:
  void Take();
  void Learn();

  const Direction direction_;
  const size_t champions_;
  const double effect_;
  std::deque<bool> waiting_champion_;
  std::deque<bool> waiting_candidate_;
  double champion_troubled_ = 0, champion_n_ = 0;  // of the blocks taken
  double candidate_troubled_ = 0, candidate_n_ = 0;
  double p_champion_ = 0, p_candidate_ = 0;  // for the next block
  double log_evidence_ = 0;
  double peak_ = 0;
  size_t blocks_ = 0;
};

}  // namespace sotto
