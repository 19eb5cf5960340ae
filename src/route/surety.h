// How sure a route may be of what the specialist understood: the probability that it is right, of everything that is known
// when that is decided. The model's own probabilities say how clear-cut its choices were, which is not how likely they are
// to be right where the words are none that it was taught; so what is known of the words counts as well
// (route/known_sentences.h), and what they answer.
//
// A logistic regression, without steps: no two answers that differ in what is known of them are equal, so that they can be
// put in order. What it learns from is never quite like what it will judge, so the ridge pulls it to where it is the product
// of the model's probabilities and nothing else, and not to nothing: little evidence leaves that order as it is. Fitted by
// `sotto route calibrate --learn`, stored in route.json beside the thresholds on it. It decides who is asked next; the
// understanding's own confidence stays what it is. Values; pure functions; any thread.
// Source: Platt 1999; the features are those of selective prediction (Kamath, Jia and Liang 2020, "Selective question
// answering under domain shift": a calibrator that sees some of the shift beats the model's softmax).
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/conversation.h"
#include "core/understanding.h"
#include "route/known_sentences.h"

namespace sotto {

// Of the decisions that led to an understanding; natural logs, all <= 0.
struct DecisionFacts {
  double name_log_prob = 0;   // of the first tool's name
  double min_log_prob = 0;    // of the least certain decision
  double total_log_prob = 0;  // of all of them
  double min_margin = 1;      // smallest lead of a best over a second, in [0, 1]
};

class Surety {
 public:
  static constexpr size_t kCount = 20;
  using Features = std::array<double, kCount>;
  // Their names, in order.
  static const std::array<std::string_view, kCount>& Names();
  static Features FeaturesOf(const DecisionFacts& facts, const Understanding& understanding,
                             const Expectation& expectation, const KnownSentences& known);

  // `weights`: how much each row counts; empty: all the same. REQUIRES: as many rows as outcomes, and as weights where there
  // are some. kNotFound: fewer than 200 rows, or all of one outcome.
  static Result<Surety> Fit(std::span<const Features> rows, const std::vector<bool>& right,
                            std::span<const double> weights = {});

  // In [0, 1]; 0 where a feature is no number.
  double Of(const Features& features) const;

  // {name: weight}; the error names what is missing or is no number.
  Json ToJson() const;
  static Result<Surety> FromJson(const Json& json);

  bool operator==(const Surety&) const = default;

 private:
  std::array<double, kCount> weights_{};
};

// What a step's answers are judged with. `known` is never null.
struct SuretyJudge {
  Surety surety;
  std::shared_ptr<const KnownSentences> known;

  // What a rule made is certain.
  double operator()(const DecisionFacts& facts, const Understanding& understanding,
                    const Expectation& expectation) const {
    if (understanding.made_by == MadeBy::kRule) return 1;
    return surety.Of(Surety::FeaturesOf(facts, understanding, expectation, *known));
  }
};

}  // namespace sotto
