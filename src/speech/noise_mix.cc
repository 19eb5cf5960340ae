#include "speech/noise_mix.h"

#include <algorithm>
#include <cmath>

namespace sotto {
namespace {

constexpr size_t kMixFrame = 2048;

double LoudestFrameEnergy(std::span<const float> samples) {
  double loudest = 1e-12;
  for (size_t at = 0; at < samples.size(); at += kMixFrame) {
    double energy = 0;
    for (const float sample : samples.subspan(at, std::min(kMixFrame, samples.size() - at))) {
      energy += static_cast<double>(sample) * sample;
    }
    loudest = std::max(loudest, energy);
  }
  return loudest;
}

}  // namespace

void MixNoise(std::vector<float>* speech, std::span<const float> noise, double snr_db, Random& random) {
  if (noise.empty() || speech->empty()) return;
  const size_t from = random.Below(noise.size() > speech->size() ? noise.size() - speech->size() + 1 : 1);
  std::vector<float> piece(speech->size());
  for (size_t i = 0; i < piece.size(); ++i) piece[i] = noise[(from + i) % noise.size()];
  const double gain =
      std::sqrt(LoudestFrameEnergy(*speech) / LoudestFrameEnergy(piece) / std::pow(10, snr_db / 10));
  for (size_t i = 0; i < piece.size(); ++i) (*speech)[i] += static_cast<float>(gain) * piece[i];
}

}  // namespace sotto
