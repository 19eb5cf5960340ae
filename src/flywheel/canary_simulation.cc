#include "flywheel/canary_simulation.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace sotto {
namespace {

// Normal, by Box and Muller.
double Gauss(Random& random) {
  const double u = std::max(random.Uniform(), 1e-300);
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * M_PI * random.Uniform());
}

double RightOf(double odds, double ease) { return 1 / (1 + std::exp(-(odds + ease))); }

// The log-odds at which the mean share over callers of that spread is `share`.
double OddsFor(double share, double spread) {
  double low = -20, high = 20;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    double mean = 0;
    constexpr int kPoints = 41;
    double weights = 0;
    for (int k = 0; k < kPoints; ++k) {
      const double z = -4 + 8.0 * k / (kPoints - 1);
      const double weight = std::exp(-z * z / 2);
      mean += weight * RightOf(middle, z * spread);
      weights += weight;
    }
    (mean / weights < share ? low : high) = middle;
  }
  return (low + high) / 2;
}

CanaryCall SimulateCall(double right, double turns_a_call, Random& random) {
  CanaryCall call;
  call.turns = 1;
  while (random.Uniform() < 1 - 1 / turns_a_call && call.turns < 40) ++call.turns;
  int wrong = 0;
  for (int turn = 0; turn < call.turns; ++turn) {
    if (random.Uniform() < right) continue;
    ++wrong;
    ++call.troubled_turns;
    call.troubled = true;
    call.asked_again = call.asked_again || random.Chance(0.4);  // otherwise a read-back is denied
  }
  call.handed_over = wrong >= 2;
  return call;
}

}  // namespace

CanarySimulated Simulate(const CanarySimulation& simulation) {
  CanarySimulated result;
  std::vector<double> turns_to_rollback;
  double calls = 0;
  const double champion_odds = OddsFor(simulation.champion, simulation.spread);
  const double candidate_odds = OddsFor(simulation.candidate, simulation.spread);
  Random random(simulation.seed);
  for (size_t run = 0; run < simulation.runs; ++run) {
    const std::string experiment = fmt::format("{}-{}", simulation.name, run);
    std::vector<double> ease(simulation.callers);
    for (double& one : ease) one = simulation.spread * Gauss(random);
    Canary canary(simulation.share, simulation.options);
    CanaryDecision decision = CanaryDecision::kHold;
    while (true) {
      const size_t caller = random.Below(simulation.callers);
      const bool candidate = CallerPoint(fmt::format("customer {}", caller), experiment) < simulation.share;
      CanaryCall call = SimulateCall(RightOf(candidate ? candidate_odds : champion_odds, ease[caller]),
                                      simulation.turns_a_call, random);
      call.candidate = candidate;
      if (candidate && canary.candidate().turns + static_cast<size_t>(call.turns) > simulation.most_turns)
        break;
      canary.Add(call);
      if (!candidate && canary.champion().calls % 8 != 0) continue;  // looked at often, not after each
      decision = canary.Judge().decision;
      if (decision != CanaryDecision::kHold) break;
    }
    calls += static_cast<double>(canary.candidate().calls);
    result.promoted += decision == CanaryDecision::kPromote ? 1 : 0;
    result.held += decision == CanaryDecision::kHold ? 1 : 0;
    if (decision == CanaryDecision::kRollBack) {
      ++result.rolled_back;
      turns_to_rollback.push_back(static_cast<double>(canary.candidate().turns));
    }
    if (simulation.on_progress) simulation.on_progress(run + 1, simulation.runs);
  }
  result.runs = simulation.runs;
  if (!turns_to_rollback.empty()) {
    const auto middle = turns_to_rollback.begin() + static_cast<std::ptrdiff_t>(turns_to_rollback.size() / 2);
    std::nth_element(turns_to_rollback.begin(), middle, turns_to_rollback.end());
    result.median_turns_to_rollback = *middle;
  }
  result.mean_calls = result.runs == 0 ? 0 : calls / static_cast<double>(result.runs);
  return result;
}

Json ToJson(const CanarySimulated& simulated) {
  return {{"runs", simulated.runs},
          {"promoted", simulated.promoted},
          {"rolled_back", simulated.rolled_back},
          {"held", simulated.held},
          {"median_turns_to_rollback", simulated.median_turns_to_rollback},
          {"mean_calls", simulated.mean_calls}};
}

}  // namespace sotto
