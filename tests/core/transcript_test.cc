#include "core/transcript.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

Transcript Heard(std::initializer_list<double> confidences) {
  Transcript transcript;
  for (const double confidence : confidences) transcript.words.push_back({"word", {}, {}, confidence});
  return transcript;
}

TEST(Transcript, ConfidenceFollowsTheWords) {
  EXPECT_EQ(HeardConfidence(Heard({})), 1);
  EXPECT_EQ(MeanWordConfidence(Heard({0.4, 0.8})), (0.4 + 0.8) / 2);
  EXPECT_NEAR(HeardConfidence(Heard({0.5})), 0.5, 1e-9);
  EXPECT_GT(HeardConfidence(Heard({0.9, 0.9})), 0.99);
  EXPECT_LT(HeardConfidence(Heard({0.2, 0.4})), 0.1);
}

}  // namespace
}  // namespace sotto
