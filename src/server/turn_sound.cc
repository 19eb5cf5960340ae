#include "server/turn_sound.h"

#include <algorithm>
#include <fstream>

#include "flywheel/log_time.h"
#include "server/wav_file.h"

namespace sotto {
namespace {

constexpr int64_t kHeardBeforeMs =
    300;  // speech is noticed a little late; what is silenced begins earlier still
constexpr int64_t kHeardAfterMs = 200;
constexpr int64_t kMostTurnMs = 120'000;  // no turn is longer
constexpr int64_t kFramesAMs = CallRecording::kRateHz / 1000;
constexpr size_t kSoundFrameBytes = 2 * kWavChannels;

}  // namespace

bool IsOfCall(const LabelItem& item, const RecordingFacts& facts) {
  const auto at = ParseUtc(item.at);
  return at && facts.about.session == item.session &&
         facts.began_s <= at->time_since_epoch().count() + 1;  // both are whole seconds
}

std::optional<TurnSound> SoundOf(const LabelItem& item, const RecordingFacts& facts,
                                 std::filesystem::path file) {
  if (item.speech_start_ms < 0 || item.speech_end_ms < item.speech_start_ms) return std::nullopt;
  const auto whole_ms = static_cast<int64_t>(facts.frames) / kFramesAMs;
  TurnSound sound{std::move(file), 0, 0, false};
  sound.from_ms = std::max<int64_t>(0, static_cast<int64_t>(item.speech_start_ms) - kHeardBeforeMs);
  sound.to_ms = std::min(
      {static_cast<int64_t>(item.speech_end_ms) + kHeardAfterMs, whole_ms, sound.from_ms + kMostTurnMs});
  if (sound.to_ms <= sound.from_ms) return std::nullopt;
  sound.silenced = std::any_of(facts.silenced.begin(), facts.silenced.end(), [&](const auto& one) {
    return one.from_ms < sound.to_ms && one.to_ms > sound.from_ms;
  });
  return sound;
}

std::optional<TurnSound> FindSound(const LabelItem& item, const std::filesystem::path& folder,
                                   const std::vector<std::pair<std::string, RecordingFacts>>& recordings) {
  const std::pair<std::string, RecordingFacts>* last = nullptr;
  for (const auto& one : recordings) {
    if (IsOfCall(item, one.second) && (last == nullptr || one.second.began_s > last->second.began_s))
      last = &one;
  }
  if (last == nullptr) return std::nullopt;
  return SoundOf(item, last->second, folder / (last->first + ".wav"));
}

Result<std::string> CutTurn(const TurnSound& sound) {
  std::ifstream stream(sound.file, std::ios::binary);
  if (!stream) return MakeError(ErrorCode::kIo, "cannot open {}", sound.file.string());
  std::string head(kWavHeaderBytes, '\0');
  stream.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(stream.gcount()));
  auto rate_hz = ReadWavHeader(head);
  if (!rate_hz) return WithContext(std::move(rate_hz).error(), sound.file.string());
  if (*rate_hz != CallRecording::kRateHz)
    return MakeError(ErrorCode::kCorrupt, "{}: {} Hz, where recordings have {}", sound.file.string(),
                     *rate_hz, CallRecording::kRateHz);
  const auto frames = static_cast<size_t>((sound.to_ms - sound.from_ms) * kFramesAMs);
  std::string samples(frames * kSoundFrameBytes, '\0');
  stream.seekg(static_cast<std::streamoff>(kWavHeaderBytes) +
               static_cast<std::streamoff>(sound.from_ms * kFramesAMs * int64_t{kSoundFrameBytes}));
  stream.read(samples.data(), static_cast<std::streamsize>(samples.size()));
  samples.resize(static_cast<size_t>(stream.gcount()) / kSoundFrameBytes * kSoundFrameBytes);
  if (samples.empty())
    return MakeError(ErrorCode::kCorrupt, "{}: ends before {:.1f} s", sound.file.string(),
                     static_cast<double>(sound.from_ms) / 1000);
  // Left is the caller; the assistant, who may have been saying something else, is left out.
  for (size_t at = 0; at < samples.size(); at += kSoundFrameBytes) {
    samples[at + 2] = samples[at];
    samples[at + 3] = samples[at + 1];
  }
  return WavHeader(*rate_hz, samples.size()) + samples;
}

}  // namespace sotto
