#include "flywheel/sequential.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace sotto {
namespace {

constexpr double kLeastShare = 0.002;
constexpr size_t kMostWaiting = 100'000;  // of one arm while the other stands still; the oldest go

double Ratio(bool troubled, double alternative, double null) {
  return troubled ? std::log(alternative / null) : std::log((1 - alternative) / (1 - null));
}

}  // namespace

TwoArmEvidence::TwoArmEvidence(Direction direction, size_t champions, double effect)
    : direction_(direction), champions_(champions), effect_(effect) {
  SOTTO_CHECK(champions_ > 0 && effect_ > 0 && effect_ < 0.5);
}

void TwoArmEvidence::AddChampion(bool troubled) {
  waiting_champion_.push_back(troubled);
  if (waiting_champion_.size() > kMostWaiting) waiting_champion_.pop_front();
  Take();
}

void TwoArmEvidence::AddCandidate(bool troubled) {
  waiting_candidate_.push_back(troubled);
  if (waiting_candidate_.size() > kMostWaiting) waiting_candidate_.pop_front();
  Take();
}

// The likeliest shares of the blocks before, the candidate's at least `effect` on the side that is tested.
void TwoArmEvidence::Learn() {
  const double all = (champion_troubled_ + candidate_troubled_ + 0.5) / (champion_n_ + candidate_n_ + 5);
  p_champion_ = std::clamp((champion_troubled_ + all) / (champion_n_ + 1), kLeastShare, 1 - kLeastShare);
  // Few calls of the candidate yet: as far away as the least effect; many: where it was seen.
  const double sign = direction_ == Direction::kHarm ? 1 : -1;
  const double prior = std::clamp(p_champion_ + sign * effect_, kLeastShare, 1 - kLeastShare);
  constexpr double kPriorCalls = 40;
  p_candidate_ = (candidate_troubled_ + kPriorCalls * prior) / (candidate_n_ + kPriorCalls);
  if (sign * (p_candidate_ - p_champion_) < effect_) p_candidate_ = p_champion_ + sign * effect_;
  if (p_candidate_ < kLeastShare) {
    p_candidate_ = kLeastShare;
    p_champion_ = std::max(p_champion_, 2 * kLeastShare);
  }
  p_candidate_ = std::min(p_candidate_, 1 - kLeastShare);
}

void TwoArmEvidence::Take() {
  while (waiting_champion_.size() >= champions_ && !waiting_candidate_.empty()) {
    Learn();
    const auto m = static_cast<double>(champions_);
    const double null = (m * p_champion_ + p_candidate_) / (m + 1);
    double gained = 0;
    for (size_t i = 0; i < champions_; ++i) {
      const bool troubled = waiting_champion_.front();
      waiting_champion_.pop_front();
      gained += Ratio(troubled, p_champion_, null);
      champion_troubled_ += troubled ? 1 : 0;
    }
    const bool troubled = waiting_candidate_.front();
    waiting_candidate_.pop_front();
    gained += Ratio(troubled, p_candidate_, null);
    candidate_troubled_ += troubled ? 1 : 0;
    champion_n_ += m;
    candidate_n_ += 1;
    log_evidence_ += gained;
    peak_ = std::max(peak_, log_evidence_);
    ++blocks_;
  }
}

}  // namespace sotto
