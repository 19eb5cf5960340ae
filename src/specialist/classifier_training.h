// Trains a classifier on labelled texts: chooses its settings by cross-validation on them, calibrates its
// confidence and its judgement of scope on held-out parts of them, and trains on all of them. What it is
// measured on later is never seen. Deterministic by seed, whatever the number of threads.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "specialist/classifier.h"
#include "specialist/labelled_text.h"

namespace sotto {

struct ClassifierTraining {
  FeatureOptions features;
  // Tried by cross-validation where there are several: weights of the encoder's vector, costs of an error.
  std::vector<float> meaning_weights = {1.0f, 2.0f};
  std::vector<double> costs = {0.3, 1.0};
  bool balanced = false;
  bool judge_scope = false;    // whether a text is any label's; rows without a label then weigh the two signs
  double false_alarms = 0.03;  // share of texts in scope that may be taken for out of scope
  uint64_t seed = 1;
};

// What cross-validation said of the chosen settings. Shares 0..1.
struct HeadReport {
  float meaning_weight = 0;
  double cost = 0;
  double accuracy = 0;  // of held-out training texts
  double ece = 0;       // of their confidence
};

struct TrainedClassifier {
  ClassifierParts parts;
  HeadReport with_encoder, without_encoder;
  size_t rows = 0;
  size_t rows_out_of_scope = 0;
};

// `encoder` may be null: then only the head without it. `progress`, where given, is told what is done.
// kInvalidArgument: fewer than two labels, a label with one row only.
Result<TrainedClassifier> TrainClassifier(
    std::string name, const std::vector<LabelledText>& rows, const SentenceEncoder* encoder,
    const ClassifierTraining& options, ThreadTeam& team,
    const std::function<void(size_t done, size_t total)>& progress = {});

// How a classifier does on rows that it never saw.
struct ClassifierScore {
  size_t rows = 0;
  size_t right = 0;  // the label, whatever the judgement of scope
  double ece = 0;    // of the confidence, in-scope rows
  bool judges_scope = false;
  size_t rows_out_of_scope = 0;
  // In-scope rows taken for out of scope, and out-of-scope rows that were: at the classifier's own threshold, and at
  // the one that gives `false_alarms` on these very rows.
  size_t false_alarms = 0;
  size_t caught = 0;
  size_t caught_at_rate = 0;
  std::vector<std::string> errors;  // "text: wanted x, got y .93"

  double accuracy() const { return rows == 0 ? 0 : static_cast<double>(right) / static_cast<double>(rows); }
};
ClassifierScore ScoreClassifier(const Classifier& classifier, const std::vector<LabelledText>& rows,
                                double false_alarms = 0.03);

// The value that a share `rate` of the values lies below. REQUIRES: values not empty.
double LowerQuantile(std::vector<double> values, double rate);

}  // namespace sotto
