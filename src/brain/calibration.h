// From the probabilities of a turn's decisions to one calibrated number: the probability that the calls are
// right.
//
// A logistic regression over a few features of the decisions (a temperature is its special case), then
// isotonic regression (pool adjacent violators) where there are enough samples. Fitted on held-out data by
// `sotto eval --fit-calibration`, stored as calibration.json beside the model and only used with that model
// (by its id).
// Source: Platt 1999; Zadrozny and Elkan 2002; Guo et al. 2017.
#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "core/json.h"

namespace sotto {

// Of one turn's decisions; natural logs, all <= 0.
struct ConfidenceFeatures {
  double name_log_prob = 0;   // of the first tool name, over the whole vocabulary
  double min_log_prob = 0;    // of the least certain decision
  double total_log_prob = 0;  // of all of them
  double min_margin = 1;      // smallest lead of a best over a second, in [0, 1]
  bool unclear = false;       // the calls are the workflow's unclear tool
  double words = 0;           // of the utterance

  static constexpr size_t kCount = 7;  // with the constant
  std::array<double, kCount> Vector() const;
};

class Calibration {
 public:
  // The uncalibrated confidence: exp(total_log_prob).
  Calibration() = default;

  // REQUIRES: as many features as outcomes. With fewer than 50 samples or only one outcome: the uncalibrated
  // one.
  static Calibration Fit(std::span<const ConfidenceFeatures> features, const std::vector<bool>& right);

  double Apply(const ConfidenceFeatures& features) const;  // in [0, 1]

  Json ToJson(std::string_view model_id) const;
  static Result<Calibration> FromJson(const Json& json);
  // Errors name the file; kNotFound if it is not there, kInvalidArgument if it was fitted to another model.
  static Result<Calibration> Read(const std::filesystem::path& path, std::string_view model_id);

 private:
  bool fitted_ = false;
  std::array<double, ConfidenceFeatures::kCount> weights_{};
  std::vector<std::pair<double, double>> isotonic_;  // score -> probability, both ascending; empty: none
};

// Expected calibration error over 15 bins of equal width, and area under the ROC curve of "right" by
// confidence (1 where only one outcome occurs).
double ExpectedCalibrationError(std::span<const double> confidences, const std::vector<bool>& right);
double AreaUnderRoc(std::span<const double> confidences, const std::vector<bool>& right);

}  // namespace sotto
