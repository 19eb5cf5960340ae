#include "brain/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/mapped_file.h"
#include "base/random.h"

namespace sotto {
namespace {

// Overconfident by construction: right with probability p^2 where the model says p.
void Sample(size_t n, uint64_t seed, std::vector<ConfidenceFeatures>& features, std::vector<bool>& right) {
  Random random(seed);
  for (size_t i = 0; i < n; ++i) {
    const double p = 0.3 + 0.7 * random.Uniform();
    ConfidenceFeatures feature;
    feature.total_log_prob = feature.min_log_prob = feature.name_log_prob = std::log(p);
    feature.min_margin = 2 * p - 1;
    features.push_back(feature);
    right.push_back(random.Chance(p * p));
  }
}

TEST(Calibration, MakesOverconfidenceHonestOnHeldOutData) {
  std::vector<ConfidenceFeatures> fit;
  std::vector<bool> fit_right;
  Sample(4000, 1, fit, fit_right);
  const Calibration calibration = Calibration::Fit(fit, fit_right);

  std::vector<ConfidenceFeatures> held_out;
  std::vector<bool> right;
  Sample(4000, 2, held_out, right);
  std::vector<double> raw;
  std::vector<double> calibrated;
  for (const ConfidenceFeatures& feature : held_out) {
    raw.push_back(Calibration().Apply(feature));
    calibrated.push_back(calibration.Apply(feature));
  }
  EXPECT_GT(ExpectedCalibrationError(raw, right), 0.1);
  EXPECT_LT(ExpectedCalibrationError(calibrated, right), 0.04);
  EXPECT_GT(AreaUnderRoc(calibrated, right), AreaUnderRoc(raw, right) - 0.01);
}

TEST(Calibration, SurvivesItsFileAndRefusesAnotherModel) {
  std::vector<ConfidenceFeatures> features;
  std::vector<bool> right;
  Sample(1000, 3, features, right);
  const Calibration calibration = Calibration::Fit(features, right);
  const std::string path = testing::TempDir() + "calibration.json";
  ASSERT_TRUE(WriteFileAtomically(path, calibration.ToJson("abc").dump()));
  const auto back = Calibration::Read(path, "abc");
  ASSERT_TRUE(back) << back.error().message;
  for (size_t i = 0; i < 50; ++i) EXPECT_DOUBLE_EQ(back->Apply(features[i]), calibration.Apply(features[i]));
  EXPECT_EQ(Calibration::Read(path, "other").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Calibration::Read(path + "x", "abc").error().code, ErrorCode::kNotFound);
}

TEST(AreaUnderRoc, SharesTiesAndKnowsTheExtremes) {
  EXPECT_DOUBLE_EQ(AreaUnderRoc(std::vector<double>{0.1, 0.2, 0.8, 0.9}, {false, false, true, true}), 1.0);
  EXPECT_DOUBLE_EQ(AreaUnderRoc(std::vector<double>{0.9, 0.8, 0.2, 0.1}, {false, false, true, true}), 0.0);
  EXPECT_DOUBLE_EQ(AreaUnderRoc(std::vector<double>{0.5, 0.5, 0.5, 0.5}, {false, true, false, true}), 0.5);
}

}  // namespace
}  // namespace sotto
