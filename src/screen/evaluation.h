// How well scores put frauds first, as the Fraud Detection Handbook measures it (chapter 4): area under the ROC curve,
// average precision, and the share of compromised cards among the k most suspicious of each day. Pure functions.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "screen/payment.h"

namespace sotto {

struct ScoredPayment {
  int64_t day = 0;  // since 1970
  std::string customer;
  double score = 0;
  bool fraud = false;
};

// Ties half. -1 where one kind is missing.
double RocArea(const std::vector<ScoredPayment>& scored);
// Mean over the frauds of the precision at their place; of equal scores all together. -1 without frauds.
double AveragePrecision(const std::vector<ScoredPayment>& scored);
// Mean over the days; a card is as suspicious as its most suspicious payment of the day, and one that was found on a day is
// not looked at on later ones. -1 without rows.
double CardPrecision(const std::vector<ScoredPayment>& scored, size_t top_k);
// The best that any scores could reach: what the days hold.
double BestCardPrecision(std::vector<ScoredPayment> scored, size_t top_k);

}  // namespace sotto
