#include "retrieve/confidence.h"

#include <numeric>

#include "base/logistic.h"

namespace sotto {
namespace {

// Of AnswerSigns::Row(). See the header for where they come from.
constexpr std::array<double, AnswerSigns::kSize> kWeights = {-8.486, 0.31,  3.108, 1.519,
                                                             1.167,  3.631, 0.332, 1.725};

}  // namespace

double AnswerConfidence(const AnswerSigns& signs) {
  const auto row = signs.Row();
  return Sigmoid(std::inner_product(row.begin(), row.end(), kWeights.begin(), 0.0));
}

}  // namespace sotto
