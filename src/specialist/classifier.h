// A trained classifier of texts: which of its labels, how sure, and whether any at all.
//
// A linear model over words, runs of letters and the sentence encoder's vector (text_features.h). Its file, a
// GGUF of architecture "sotto-classifier", holds two heads over the same features: one for when the encoder is
// installed and one for when it is not, which is less accurate; who opens it without an encoder gets the
// second. Numbers are those of the rounded weights of the file.
//
//   confidence   probability that the label is right if the text is one of the labels' at all: softmax of the
//                scores at a temperature fitted on held-out parts of the training data
//   in_scope     share of held-out training texts that looked less like one of the labels' texts: by the highest
//                score and the nearest centroid of vectors, each measured in its own deviations. A threshold on it is
//                the share of good texts that are taken for out of scope. 1 where a classifier does not judge scope.
//
// Immutable; any thread. About 0.1 ms a text and the encoder's millisecond (docs/models.md).
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "embed/sentence_encoder.h"
#include "slm/gguf.h"
#include "specialist/linear_trainer.h"
#include "specialist/text_features.h"

namespace sotto {

class GgufWriter;

struct Classification {
  std::vector<double> probabilities;  // of each label, sum 1
  size_t label = 0;                   // the most probable
  double confidence = 0;              // its probability
  double in_scope = 1;
};

// How much a text looks like those of the labels. Whatever is out of scope is not needed to fit it.
struct ScopeScale {
  double top_mean = 0, top_deviation = 1;        // of the highest score, of held-out texts
  double cosine_mean = 0, cosine_deviation = 1;  // of the cosine with the nearest centroid
  double cosine_weight = 0;                      // against the highest score's 1; 0 without the encoder
  std::vector<float> quantiles;  // of the sum, ascending: value i has i / (size - 1) of the texts below

  double Sum(std::span<const float> scores, double cosine) const;
  // In [0, 1]. 1 without quantiles.
  double Share(double sum) const;
};

// What a head knows beside its weights.
struct HeadCalibration {
  double temperature = 1;      // scores are multiplied by it
  ScopeScale scope;            // without quantiles: scope is not judged
  double scope_threshold = 0;  // in_scope below it: out of scope
  bool judges_scope() const { return !scope.quantiles.empty(); }
};

struct ClassifierHead {
  LinearWeights weights;  // n_dense: 0 or SentenceEncoder::kSize
  HeadCalibration calibration;
};

// What training makes and the file holds.
struct ClassifierParts {
  std::string name;
  std::vector<std::string> labels;
  TextFeatures features;
  std::string encoder_id;        // empty: made without one, only the second head
  std::vector<float> centroids;  // [n_labels, kSize], each of length 1; empty without an encoder
  ClassifierHead with_encoder, without_encoder;
};

class Classifier {
 public:
  // `encoder` may be null. kInvalidArgument: made with another encoder than the one given.
  static Result<std::shared_ptr<const Classifier>> Open(const std::filesystem::path& path,
                                                        std::shared_ptr<const SentenceEncoder> encoder);
  static Result<std::shared_ptr<const Classifier>> FromGguf(std::shared_ptr<const GgufFile> file,
                                                            std::shared_ptr<const SentenceEncoder> encoder);

  const std::vector<std::string>& labels() const { return labels_; }
  const std::string& name() const { return name_; }
  // Of the head in use.
  const HeadCalibration& calibration() const { return calibration_; }
  bool uses_encoder() const { return encoder_ != nullptr; }

  Classification Classify(std::string_view text) const;
  // One call of the encoder for all of them.
  std::vector<Classification> ClassifyMany(std::span<const std::string> texts) const;
  // With the vector of a caller that has it already. REQUIRES: of this classifier's encoder, or empty without one.
  Classification Classify(std::string_view text, std::span<const float> vector) const;

 private:
  Classifier() = default;
  Result<void> ReadHead(std::string_view head);
  Result<void> ReadScope(std::string_view head);

  std::shared_ptr<const GgufFile> file_;
  std::shared_ptr<const SentenceEncoder> encoder_;
  std::string name_;
  std::vector<std::string> labels_;
  TextFeatures features_;
  std::vector<float> centroids_;
  HeadCalibration calibration_;
  size_t width_ = 0;                   // labels, padded
  const GgufTensor* rows_ = nullptr;   // [width, features]
  const GgufTensor* dense_ = nullptr;  // [width, kSize]; null without encoder
  std::vector<float> bias_;            // [labels]
};

// Softmax at the temperature. `out` as long as `scores`.
void ToProbabilities(std::span<const float> scores, double temperature, std::span<double> out);
// The largest cosine with a centroid. 0 where there are none.
double NearestCentroid(std::span<const float> centroids, std::span<const float> vector);

// The file's bytes come from here. `license` and `origin` as in ImportOptions.
Result<void> WriteClassifier(const ClassifierParts& parts, const std::filesystem::path& path,
                             std::string_view license, std::string_view origin);

}  // namespace sotto
