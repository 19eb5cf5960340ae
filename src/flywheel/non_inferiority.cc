#include "flywheel/non_inferiority.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "base/check.h"

namespace sotto {
namespace {

using Binomial = boost::math::binomial_distribution<double>;

double NormalQuantile(double p) {
  return boost::math::quantile(boost::math::normal_distribution<double>(), p);
}

double UpperNormal(double z) {
  if (!std::isfinite(z)) return z > 0 ? 0 : 1;
  return boost::math::cdf(boost::math::complement(boost::math::normal_distribution<double>(), z));
}

double Share(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

constexpr size_t kMostTurns = 1'000'000;  // beyond it no number of turns is named

// The least number of turns that reaches the power: doubled until it does, then halved towards it.
size_t TurnsFor(double discordant, const NonInferiorityGoal& goal) {
  size_t high = 8;
  while (high < kMostTurns && NonInferiorityPower(high, discordant, goal) < goal.power) high *= 2;
  size_t low = high / 2;
  while (low + std::max<size_t>(1, low / 50) < high) {
    const size_t middle = (low + high) / 2;
    (NonInferiorityPower(middle, discordant, goal) < goal.power ? low : high) = middle;
  }
  return high;
}

}  // namespace

void PairedCounts::Add(bool champion_right, bool candidate_right) {
  ++n;
  both += champion_right && candidate_right ? 1 : 0;
  only_champion += champion_right && !candidate_right ? 1 : 0;
  only_candidate += !champion_right && candidate_right ? 1 : 0;
}

double PairedCounts::champion() const { return Share(both + only_champion, n); }
double PairedCounts::candidate() const { return Share(both + only_candidate, n); }
double PairedCounts::discordant() const { return Share(only_champion + only_candidate, n); }

double McNemarExact(const PairedCounts& counts) {
  const size_t discordant = counts.only_champion + counts.only_candidate;
  if (discordant == 0) return 1;
  const Binomial half(static_cast<double>(discordant), 0.5);
  const double tail =
      boost::math::cdf(half, static_cast<double>(std::min(counts.only_champion, counts.only_candidate)));
  return std::min(1.0, 2 * tail);
}

double TangoScore(size_t n, size_t only_candidate, size_t only_champion, double margin) {
  SOTTO_CHECK(n > 0 && margin > -1 && margin < 1);
  const auto turns = static_cast<double>(n);
  const auto won = static_cast<double>(only_candidate);
  const auto lost = static_cast<double>(only_champion);
  // q: the share lost that is likeliest under H0, the larger root of a q^2 + b q + c = 0.
  const double a = 2 * turns;
  const double b = -(won + lost) - margin * (2 * turns - won + lost);
  const double c = lost * margin * (1 + margin);
  const double q = (-b + std::sqrt(std::max(0.0, b * b - 4 * a * c))) / (2 * a);
  const double variance = turns * (2 * q - margin * (1 + margin));
  const double score = won - lost + turns * margin;
  if (variance <= 0) return score > 0 ? HUGE_VAL : score < 0 ? -HUGE_VAL : 0;
  return score / std::sqrt(variance);
}

double NonInferiorityPower(size_t n, double discordant, const NonInferiorityGoal& goal) {
  if (n == 0) return 0;
  const double critical = NormalQuantile(1 - goal.alpha);
  const double share = std::clamp(discordant, 1e-6, 1 - 1e-6);
  const Binomial pairs(static_cast<double>(n), share);
  const double spread = 7 * std::sqrt(static_cast<double>(n) * share * (1 - share)) + 2;
  const auto middle = static_cast<double>(n) * share;
  const auto first = static_cast<size_t>(std::max(0.0, std::floor(middle - spread)));
  const auto last = std::min(n, static_cast<size_t>(std::ceil(middle + spread)));
  double power = 0;
  size_t least = 0;  // won pairs that pass at this number of discordant ones: grows with it
  for (size_t d = first; d <= last; ++d) {
    while (least <= d && TangoScore(n, least, d - least, goal.margin) < critical) ++least;
    while (least > 0 && TangoScore(n, least - 1, d - (least - 1), goal.margin) >= critical) --least;
    if (least > d) continue;
    double passes = 1;
    if (d > 0 && least > 0) {
      passes = boost::math::cdf(
          boost::math::complement(Binomial(static_cast<double>(d), 0.5), static_cast<double>(least - 1)));
    }
    power += boost::math::pdf(pairs, static_cast<double>(d)) * passes;
  }
  return std::min(1.0, power);
}

NonInferiorityResult TestNonInferiority(const PairedCounts& counts, const NonInferiorityGoal& goal) {
  SOTTO_CHECK(goal.margin > 0 && goal.margin < 1 && goal.alpha > 0 && goal.alpha < 0.5);
  NonInferiorityResult result;
  result.goal_power = goal.power;
  const double discordant = std::max(counts.discordant(), goal.least_discordant);
  result.turns_needed = TurnsFor(discordant, goal);
  if (counts.n == 0) return result;
  const auto score = [&](double margin) {
    return TangoScore(counts.n, counts.only_candidate, counts.only_champion, margin);
  };
  result.p = UpperNormal(score(goal.margin));
  result.shown = result.p < goal.alpha;
  result.power = NonInferiorityPower(counts.n, discordant, goal);
  const double critical = NormalQuantile(1 - goal.alpha);
  double low = -0.999999, high = 0.999999;  // of the margin: the score grows with it
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (score(middle) < critical ? low : high) = middle;
  }
  result.lower = -high;
  return result;
}

}  // namespace sotto
