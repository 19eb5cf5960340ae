#include "screen/evaluation.h"

#include <algorithm>
#include <map>

namespace sotto {
namespace {

std::vector<std::pair<double, bool>> ByScore(const std::vector<ScoredPayment>& scored) {
  std::vector<std::pair<double, bool>> out;
  out.reserve(scored.size());
  for (const ScoredPayment& one : scored) out.emplace_back(one.score, one.fraud);
  std::ranges::sort(out, std::greater<>());
  return out;
}

}  // namespace

double RocArea(const std::vector<ScoredPayment>& scored) {
  const auto sorted = ByScore(scored);
  double frauds = 0;
  double genuine = 0;
  double area = 0;
  for (size_t i = 0; i < sorted.size();) {
    double here_frauds = 0;
    double here_genuine = 0;
    const double score = sorted[i].first;
    for (; i < sorted.size() && sorted[i].first == score; ++i)
      (sorted[i].second ? here_frauds : here_genuine) += 1;
    area += here_genuine * (frauds + here_frauds / 2);
    frauds += here_frauds;
    genuine += here_genuine;
  }
  return frauds == 0 || genuine == 0 ? -1 : area / (frauds * genuine);
}

double AveragePrecision(const std::vector<ScoredPayment>& scored) {
  const auto sorted = ByScore(scored);
  double frauds = 0;
  double seen = 0;
  double sum = 0;
  for (size_t i = 0; i < sorted.size();) {
    double here = 0;
    const double score = sorted[i].first;
    for (; i < sorted.size() && sorted[i].first == score; ++i) {
      seen += 1;
      here += sorted[i].second;
    }
    frauds += here;
    sum += here * frauds / seen;
  }
  return frauds == 0 ? -1 : sum / frauds;
}

double CardPrecision(const std::vector<ScoredPayment>& scored, size_t top_k) {
  struct Card {
    double score = -1;
    bool fraud = false;
  };
  std::map<int64_t, std::map<std::string, Card>> days;
  for (const ScoredPayment& one : scored) {
    Card& card = days[one.day][one.customer];
    card.score = std::max(card.score, one.score);
    card.fraud = card.fraud || one.fraud;
  }
  if (days.empty()) return -1;
  std::set<std::string> found;
  double sum = 0;
  for (const auto& [day, cards] : days) {
    std::vector<std::pair<double, const std::pair<const std::string, Card>*>> ranked;
    for (const auto& card : cards) {
      if (!found.contains(card.first)) ranked.emplace_back(card.second.score, &card);
    }
    std::ranges::stable_sort(ranked, std::greater<>(), [](const auto& one) { return one.first; });
    size_t hits = 0;
    for (size_t i = 0; i < std::min(top_k, ranked.size()); ++i) {
      if (!ranked[i].second->second.fraud) continue;
      ++hits;
      found.insert(ranked[i].second->first);
    }
    sum += static_cast<double>(hits) / static_cast<double>(top_k);
  }
  return sum / static_cast<double>(days.size());
}

double BestCardPrecision(std::vector<ScoredPayment> scored, size_t top_k) {
  for (ScoredPayment& one : scored) one.score = one.fraud ? 1 : 0;
  return CardPrecision(scored, top_k);
}

}  // namespace sotto
