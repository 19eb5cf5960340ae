#include "retrieve/confidence.h"

#include <numeric>

#include "base/logistic.h"

namespace sotto {
namespace {

// Of AnswerSigns::Row(). See the header for where they come from.
constexpr std::array<double, AnswerSigns::kSize> kWeights = {-4.457, 0.033, -2.232, 3.085, -0.766,
                                                             -6.017, 2.669, 2.301,  6.707};

}  // namespace

double AnswerConfidence(const AnswerSigns& signs) {
  const auto row = signs.Row();
  return Sigmoid(std::inner_product(row.begin(), row.end(), kWeights.begin(), 0.0));
}

}  // namespace sotto
