#include "speech/voicemail_detector.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "text/normalise.h"

namespace sotto {
namespace {

using std::chrono::milliseconds;

constexpr double kToneRateHz = kSampleRateHz / 2.0;  // telephones carry no more
constexpr size_t kToneWindow = 256;                  // 32 ms
constexpr double kLowestTone = 300;                  // Hz
constexpr double kHighestTone = 2600;
constexpr double kToneAround = 60;  // what noise may put the first guess off by
constexpr double kToneStep = 10;
constexpr double kPureShare = 0.85;  // of the power that one frequency has: a vowel's strongest has half
constexpr double kSteadyHz = 30;
constexpr double kFaintTone = 1e-5;  // power a sample: -50 dB
constexpr int kToneGap = 3;          // frames that a tone may miss
constexpr int kToneOver = 10;        // frames after it: it is over

constexpr double kLouder = 8;          // than the noise: speech (9 dB)
constexpr double kFaintest = 1e-6;     // power a sample below which nothing is speech: -60 dB
constexpr double kNoiseRises = 1.002;  // a frame
constexpr int kSpeechFrames = 4;       // in a row: no click

int FramesOf(milliseconds time) { return static_cast<int>(time.count() / 10); }

double PowerOf(std::span<const float> samples) {
  double sum = 0;
  for (const float sample : samples) sum += static_cast<double>(sample) * static_cast<double>(sample);
  return sum / static_cast<double>(samples.size());
}

// Goertzel's sum: the share of the power of `window` that is at `hz`.
double ShareAt(std::span<const float> window, double hz, double power) {
  const double turn = 2 * std::numbers::pi * hz / kToneRateHz;
  const double factor = 2 * std::cos(turn);
  double before = 0;
  double before_that = 0;
  for (const float sample : window) {
    const double now = static_cast<double>(sample) + factor * before - before_that;
    before_that = before;
    before = now;
  }
  const auto n = static_cast<double>(window.size());
  const double magnitude = before * before + before_that * before_that - factor * before * before_that;
  return 2 * magnitude / (n * n * power);
}

// Of a pure tone x[n] + x[n-2] = 2 cos(w) x[n-1]: the frequency that fits best, in Hz.
double LikelyTone(std::span<const float> window) {
  double both = 0;
  double middle = 0;
  for (size_t i = 2; i < window.size(); ++i) {
    const auto x = static_cast<double>(window[i - 1]);
    both += x * (static_cast<double>(window[i]) + static_cast<double>(window[i - 2]));
    middle += x * x;
  }
  if (middle == 0) return 0;
  return std::acos(std::clamp(both / (2 * middle), -1.0, 1.0)) / (2 * std::numbers::pi) * kToneRateHz;
}

}  // namespace

bool ToneDetector::Hear(std::span<const float> frame) {
  for (size_t i = 0; i + 1 < frame.size(); i += 2) window_.push_back((frame[i] + frame[i + 1]) / 2);
  if (window_.size() > kToneWindow)
    window_.erase(window_.begin(), window_.end() - static_cast<std::ptrdiff_t>(kToneWindow));
  const double power = PowerOf(window_);
  double best = 0;
  double best_hz = 0;
  if (window_.size() == kToneWindow && power > kFaintTone) {
    const double guess = LikelyTone(window_);
    for (double hz = guess - kToneAround; hz <= guess + kToneAround; hz += kToneStep) {
      const double share = ShareAt(window_, hz, power);
      if (share > best) {
        best = share;
        best_hz = hz;
      }
    }
  }
  const bool pure = best >= kPureShare && best_hz >= kLowestTone && best_hz <= kHighestTone;
  const bool steady = pure && std::abs(best_hz - last_hz_) <= kSteadyHz;
  last_hz_ = pure ? best_hz : 0;
  if (!steady) {
    ++missing_;
    return frames_ > 0 && missing_ <= kToneGap;
  }
  if (missing_ > kToneGap || std::abs(best_hz - hz_) > 2 * kSteadyHz) frames_ = 0;  // another one
  missing_ = 0;
  hz_ = best_hz;
  ++frames_;
  return true;
}

void VoicemailDetector::Decide(Verdict verdict, std::string_view why) {
  verdict_ = verdict;
  why_ = why;
}

void VoicemailDetector::Hear(std::span<const float> frame) {
  SOTTO_CHECK(frame.size() == kFrameSamples);
  ++heard_;
  const double power = PowerOf(frame);
  const bool tone = tone_.Hear(frame) && tone_.length() >= options_.beep / 2;
  const bool loud = !tone && power > std::max(kFaintest, kLouder * noise_);
  if (!loud && !tone) noise_ = std::min(noise_, std::max(power, kFaintest / kLouder));
  noise_ *= kNoiseRises;
  voiced_run_ = loud ? voiced_run_ + 1 : std::max(0, voiced_run_ - 1);
  const bool speaks = loud && voiced_run_ >= kSpeechFrames;
  if (tone) {
    in_tone_ = in_tone_ || tone_.length() >= options_.beep;
    silent_ = 0;
  } else if (speaks) {
    greeting_ += 1 + (greeting_ > 0 ? silent_ : kSpeechFrames);
    spoken_ += 1;
    silent_ = 0;
    beeped_ = false;
    in_tone_ = false;
  } else {
    ++silent_;
    if (in_tone_ && silent_ >= kToneOver) {
      in_tone_ = false;
      beeped_ = true;
    }
  }
  const bool looks = heard_ <= FramesOf(options_.look_for);
  if (in_tone_ && looks && verdict_ != Verdict::kMachineAnswered && spoken_ > FramesOf(options_.pause))
    return Decide(Verdict::kMachineAnswered, "beep");
  if (verdict_ != Verdict::kUndecided) {
    if (silent_ >= FramesOf(options_.pause)) greeting_ = 0;
    return;
  }
  if (greeting_ >= FramesOf(options_.long_greeting))
    return Decide(Verdict::kMachineAnswered, "long_greeting");
  if (heard_ >= FramesOf(options_.decide_within)) return Decide(Verdict::kHuman, "time");
  if (spoken_ == 0) {
    if (silent_ >= FramesOf(options_.nobody)) Decide(Verdict::kHuman, "nobody");
    return;
  }
  const bool is_short = greeting_ <= FramesOf(options_.short_greeting);
  if (silent_ >= FramesOf(is_short ? options_.pause : options_.waits))
    Decide(Verdict::kHuman, is_short ? "short_greeting" : "waits");
}

void VoicemailDetector::Words(std::string_view heard) {
  if (verdict_ == Verdict::kMachineAnswered || heard_ > FramesOf(options_.look_for)) return;
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(heard);
  std::vector<std::string_view> views;
  for (const NormalisedWord& word : words) views.push_back(word.text);
  if (phrases_.Found(views)) Decide(Verdict::kMachineAnswered, "words");
}

bool VoicemailDetector::Listens(milliseconds silence) const {
  return verdict_ == Verdict::kMachineAnswered && !in_tone_ && (beeped_ || silent_ >= FramesOf(silence));
}

}  // namespace sotto
