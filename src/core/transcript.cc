#include "core/transcript.h"

#include <cmath>

namespace sotto {
namespace {

constexpr double kMiddle = 0.5;
constexpr double kSlope = 14;

}  // namespace

double MeanWordConfidence(const Transcript& transcript) {
  if (transcript.words.empty()) return 1;
  double sum = 0;
  for (const TranscriptWord& word : transcript.words) sum += word.confidence;
  return sum / static_cast<double>(transcript.words.size());
}

double HeardConfidence(const Transcript& transcript) {
  if (transcript.words.empty()) return 1;
  return 1 / (1 + std::exp(-kSlope * (MeanWordConfidence(transcript) - kMiddle)));
}

}  // namespace sotto
