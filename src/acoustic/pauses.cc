#include "acoustic/pauses.h"

#include <algorithm>

#include "base/check.h"

namespace sotto {

std::vector<SoundPart> SplitAtPauses(std::span<const float> samples, int rate_hz, double max_seconds) {
  SOTTO_CHECK(rate_hz > 0 && max_seconds * rate_hz >= 1000, "parts of {} s at {} Hz", max_seconds, rate_hz);
  const auto longest = static_cast<size_t>(max_seconds * rate_hz);
  const auto pause = static_cast<size_t>(rate_hz) / 5;
  const size_t step = std::max<size_t>(1, pause / 20);
  std::vector<SoundPart> parts;
  size_t begin = 0;
  while (samples.size() - begin > longest) {
    size_t cut = begin + longest;
    double quietest = -1;
    for (size_t at = begin + longest / 3; at + pause <= begin + longest; at += step) {
      double energy = 0;
      for (size_t i = at; i < at + pause; i += 4)
        energy += static_cast<double>(samples[i]) * static_cast<double>(samples[i]);
      if (quietest < 0 || energy < quietest) {
        quietest = energy;
        cut = at + pause / 2;
      }
    }
    parts.push_back({begin, cut});
    begin = cut;
  }
  if (begin < samples.size()) parts.push_back({begin, samples.size()});
  return parts;
}

std::vector<SoundPart> VoicedParts(std::span<const float> samples,
                                   std::shared_ptr<const VoiceActivityModel> model, double max_seconds) {
  constexpr size_t kFrame = VoiceActivityModel::kFrameSamples;
  constexpr float kVoice = 0.5f;
  constexpr size_t kMargin = 4800;
  constexpr size_t kJoin = 12800;
  constexpr size_t kLeastFrames = 3;  // shorter is a knock
  std::vector<SoundPart> voiced;
  VoiceActivity voice(std::move(model));
  std::vector<float> frame(kFrame);
  size_t run = 0;
  for (size_t at = 0; at < samples.size(); at += kFrame) {
    const size_t n = std::min(kFrame, samples.size() - at);
    std::copy_n(samples.begin() + static_cast<std::ptrdiff_t>(at), n, frame.begin());
    std::fill(frame.begin() + static_cast<std::ptrdiff_t>(n), frame.end(), 0.0f);
    run = voice.Push(frame) > kVoice ? run + 1 : 0;
    if (run < kLeastFrames) continue;
    const size_t begin = at + kFrame - run * kFrame;
    if (voiced.empty() || begin > voiced.back().end + kJoin) voiced.push_back({begin, at + n});
    voiced.back().end = at + n;
  }
  std::vector<SoundPart> parts;
  for (const SoundPart& part : voiced) {
    const size_t begin = part.begin - std::min(part.begin, kMargin);
    const size_t end = std::min(part.end + kMargin, samples.size());
    for (const SoundPart& cut : SplitAtPauses(samples.subspan(begin, end - begin), 16000, max_seconds))
      parts.push_back({begin + cut.begin, begin + cut.end});
  }
  return parts;
}

}  // namespace sotto
