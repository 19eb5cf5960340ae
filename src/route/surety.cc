#include "route/surety.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/logistic.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kFewestRows = 200;
constexpr double kLeastChance = 1e-6;
constexpr size_t kAllChoices = 3;  // the feature that the ridge leads to
constexpr double kRidge =
    10;  // chosen on callers of two workflows, each by halves of the other (docs/adr/0045)
constexpr double kFreeRidge = 1e-3;  // of the constant
constexpr int kMostSteps = 40;

// log(p / (1 - p)), kept finite.
double OddsOf(double chance) {
  if (std::isnan(chance)) return chance;
  const double p = std::clamp(chance, kLeastChance, 1.0 - kLeastChance);
  return std::log(p / (1.0 - p));
}

}  // namespace

const std::array<std::string_view, Surety::kCount>& Surety::Names() {
  static constexpr std::array<std::string_view, kCount> kNames{
      "constant",      "tool",        "least_sure",     "all_choices",    "margin",
      "no_task",       "words",       "least_argument", "has_arguments",  "unfit",
      "several_calls", "unseen",      "nearest",        "agreement",      "unasked",
      "read_back",     "unseen_here", "nearest_here",   "agreement_here", "short"};
  return kNames;
}

Surety::Features Surety::FeaturesOf(const DecisionFacts& facts, const Understanding& understanding,
                                    const Expectation& expectation, const KnownSentences& known) {
  double least_argument = 1;
  bool has_arguments = false;
  bool unfit = false;
  for (const Understanding::Call& call : understanding.calls) {
    for (const auto& [unused, confidence] : call.arguments) {
      has_arguments = true;
      least_argument = std::min(least_argument, confidence);
    }
    unfit = unfit || !call.unfit.empty();
  }
  const std::string_view tool = understanding.calls.empty()
                                    ? std::string_view()
                                    : std::string_view(understanding.calls.front().call.name);
  const bool bare = !understanding.calls.empty() && understanding.calls.front().call.arguments.empty();
  const KnownSentences::Likeness likeness = known.Compare(understanding.transcript, tool);
  const std::string spoken = NormaliseSpoken(understanding.transcript);
  const auto words = static_cast<double>(SplitWords(spoken).size());
  // What is like it tells more where nothing was asked: an answer is like any other answer.
  const double unasked = expectation.kind == Expectation::Kind::kNone ? 1 : 0;
  return {1,
          OddsOf(std::exp(facts.name_log_prob)),
          OddsOf(std::exp(facts.min_log_prob)),
          OddsOf(std::exp(facts.total_log_prob)),
          facts.min_margin,
          bare && !has_arguments ? 1.0 : 0.0,
          std::min(words, 30.0) / 10.0,
          has_arguments ? OddsOf(least_argument) : 0.0,
          has_arguments ? 1.0 : 0.0,
          unfit ? 1.0 : 0.0,
          understanding.calls.size() > 1 ? 1.0 : 0.0,
          likeness.unseen,
          likeness.nearest,
          likeness.agreement,
          unasked,
          expectation.kind == Expectation::Kind::kConfirm ? 1.0 : 0.0,
          likeness.unseen * unasked,
          likeness.nearest * unasked,
          likeness.agreement * unasked,
          words <= 3 ? 1.0 : 0.0};
}

Result<Surety> Surety::Fit(std::span<const Features> rows, const std::vector<bool>& right,
                           std::span<const double> weights) {
  SOTTO_CHECK(rows.size() == right.size() && (weights.empty() || weights.size() == rows.size()));
  const auto n_right = static_cast<size_t>(std::count(right.begin(), right.end(), true));
  if (rows.size() < kFewestRows || n_right == 0 || n_right == right.size()) {
    return MakeError(ErrorCode::kNotFound,
                     "{} turns, {} of them wrong, teach nothing: it takes {} with both right and wrong ones",
                     rows.size(), rows.size() - n_right, kFewestRows);
  }
  // Newton's method from nothing, as FitLogistic, with weights and a ridge round something else than nothing.
  Features middle{};
  middle[kAllChoices] = 1;
  Surety surety;
  Features& at = surety.weights_;
  for (int step = 0; step < kMostSteps; ++step) {
    std::array<Features, kCount> hessian{};
    Features gradient{};
    for (size_t i = 0; i < kCount; ++i) {
      hessian[i][i] = i == 0 ? kFreeRidge : kRidge;
      gradient[i] = -hessian[i][i] * (at[i] - middle[i]);
    }
    for (size_t n = 0; n < rows.size(); ++n) {
      const double weight = weights.empty() ? 1 : weights[n];
      const double p = Sigmoid(std::inner_product(at.begin(), at.end(), rows[n].begin(), 0.0));
      const double bend = weight * std::max(p * (1 - p), 1e-9);
      for (size_t i = 0; i < kCount; ++i) {
        gradient[i] += weight * ((right[n] ? 1.0 : 0.0) - p) * rows[n][i];
        for (size_t j = 0; j < kCount; ++j) hessian[i][j] += bend * rows[n][i] * rows[n][j];
      }
    }
    const Features change = SolveLinear(hessian, gradient);
    double largest = 0;
    for (size_t i = 0; i < kCount; ++i) {
      at[i] += std::clamp(change[i], -2.0, 2.0);
      largest = std::max(largest, std::abs(change[i]));
    }
    if (largest < 1e-6) break;
  }
  return surety;
}

double Surety::Of(const Features& features) const {
  const double score = std::inner_product(weights_.begin(), weights_.end(), features.begin(), 0.0);
  return std::isnan(score) ? 0 : Sigmoid(score);
}

Json Surety::ToJson() const {
  Json json = Json::object();
  for (size_t i = 0; i < kCount; ++i) json[std::string(Names()[i])] = weights_[i];
  return json;
}

Result<Surety> Surety::FromJson(const Json& json) {
  Surety surety;
  for (size_t i = 0; i < kCount; ++i) {
    const std::string name(Names()[i]);
    if (!json.is_object() || !json.contains(name) || !json[name].is_number() ||
        !std::isfinite(json[name].get<double>()))
      return MakeError(ErrorCode::kCorrupt, "{} should be a number", name);
    surety.weights_[i] = json[name].get<double>();
  }
  if (json.size() != kCount)
    return MakeError(ErrorCode::kCorrupt, "there should be {} weights, not {}", kCount, json.size());
  return surety;
}

}  // namespace sotto
