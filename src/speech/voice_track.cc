#include "speech/voice_track.h"

#include <algorithm>
#include <cmath>

namespace sotto {
namespace {

constexpr size_t kFrame = VoiceActivityModel::kFrameSamples;
constexpr float kVoiced = 0.4f;         // probability that begins voice
constexpr float kStillVoiced = 0.2f;    // and keeps it
constexpr float kUsualLoudest = 0.08f;  // RMS of the loudest frames that the detector is at ease with
constexpr float kMostGain = 60;
constexpr float kLevelRatio = 3;  // without a detector: voice over the quietest frames (10 dB)
constexpr float kQuietest = 3e-5f;
constexpr float kFloorOfLoudest = 0.05f;  // speech without a pause does not become its own floor

}  // namespace

VoiceTrack::VoiceTrack(std::shared_ptr<const VoiceActivityModel> model) {
  if (model != nullptr) detector_.emplace(std::move(model));
}

void VoiceTrack::Reset() {
  if (detector_) detector_->Reset();
  waiting_.clear();
  fed_ = last_ = 0;
  first_.reset();
  run_ = 0;
  voiced_energy_ = 0;
  voiced_frames_ = 0;
  loudest_ = 0;
  quietest_ = kFirstFloor;
}

void VoiceTrack::ForgetBefore(size_t sample) {
  if (first_ && *first_ < sample) first_.reset();
  if (last_ > sample && !first_) first_ = sample;
}

void VoiceTrack::Feed(std::span<const float> samples) {
  waiting_.insert(waiting_.end(), samples.begin(), samples.end());
  size_t at = 0;
  for (; waiting_.size() - at >= kFrame; at += kFrame) Frame(std::span(waiting_).subspan(at, kFrame));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(at));
}

void VoiceTrack::Frame(std::span<const float> frame) {
  double energy = 0;
  for (const float sample : frame) energy += static_cast<double>(sample) * static_cast<double>(sample);
  energy /= static_cast<double>(frame.size());
  const auto rms = static_cast<float>(std::sqrt(energy));
  loudest_ = std::max(rms, loudest_ * 0.995f);  // falls by half in 4 s
  quietest_ = std::max(kQuietest,
                       std::min({rms, quietest_ * 1.01f, std::max(kFirstFloor, loudest_ * kFloorOfLoudest)}));
  bool voiced = false;
  if (detector_) {
    const float gain = std::clamp(kUsualLoudest / std::max(loudest_, 1e-6f), 1.0f, kMostGain);
    scaled_.resize(frame.size());
    for (size_t i = 0; i < frame.size(); ++i) scaled_[i] = frame[i] * gain;
    voiced = detector_->Push(scaled_) > (run_ > 0 ? kStillVoiced : kVoiced);
  } else {
    voiced = rms > quietest_ * kLevelRatio;
  }
  run_ = voiced ? run_ + 1 : 0;
  if (voiced) {
    if (!first_) first_ = fed_;
    last_ = fed_ + kFrame;
    voiced_energy_ += energy;
    ++voiced_frames_;
  }
  fed_ += kFrame;
}

float VoiceTrack::level() const {
  return voiced_frames_ == 0
             ? 0
             : static_cast<float>(std::sqrt(voiced_energy_ / static_cast<double>(voiced_frames_)));
}

}  // namespace sotto
