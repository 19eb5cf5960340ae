#include "speech/front_end.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

// The library's headers are not written for our warnings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <webrtc/common.h>
#include <webrtc/modules/audio_processing/include/audio_processing.h>
#pragma GCC diagnostic pop

#include "acoustic/voice_activity.h"
#include "base/check.h"

namespace sotto {
namespace {

constexpr int kFramesPerBlock = 50;
constexpr double kQuietestFloorDb = -65;  // a line without any noise must not make breath speech
constexpr double kInitialFloorDb = -50;
// Frames so far over the floor are speech as far as the level goes.
constexpr double kClearlyOverFloorDb = 12;
constexpr double kNoSpeechDb = -72;          // breath on a silent line
constexpr double kForgetDbPerFrame = 0.005;  // half a decibel a second
constexpr double kQuietLoudestDb = -36;      // whose loudest frames are below this is raised,
constexpr double kRaisedLoudestDb = -24;     // to this,
constexpr double kMostGainDb = 40;           // by at most so much
constexpr double kRiseDbPerFrame = 1;
constexpr double kPlayedDb = -60;  // what is louder at the loudspeaker comes back,
constexpr int kEchoFrames = 50;    // for so long
// Probability of voice from which on the neural detector agrees, and where it takes that back.
constexpr float kNeuralVoice = 0.35f;
constexpr float kNeuralStillVoice = 0.2f;
// Under a floor that was never measured, below what is heard of a quiet caller.
constexpr double kQuietestOfAllDb = -85;

double LevelDb(std::span<const float> frame) {
  double energy = 0;
  for (const float sample : frame) energy += static_cast<double>(sample) * sample;
  return 10 * std::log10(energy / static_cast<double>(frame.size()) + 1e-10);
}

}  // namespace

struct FrontEnd::Apm {
  std::unique_ptr<webrtc::AudioProcessing> processing;
  std::optional<VoiceActivity> neural;
  std::vector<float> waiting;  // less than a frame of the neural detector
  bool neural_voice = false;
};

FrontEnd::FrontEnd(Options options) : options_(options) { block_minimum_.fill(kInitialFloorDb); }
FrontEnd::~FrontEnd() = default;

Result<std::unique_ptr<FrontEnd>> FrontEnd::Create(Options options) {
  std::unique_ptr<FrontEnd> front(new FrontEnd(options));
  webrtc::Config config;
  if (options.echo_cancellation) {
    config.Set<webrtc::DelayAgnostic>(new webrtc::DelayAgnostic(options.echo_delay_ms < 0));
    config.Set<webrtc::ExtendedFilter>(new webrtc::ExtendedFilter(true));
  }
  front->apm_ = std::make_unique<Apm>();
  if (options.voice_activity != nullptr) front->apm_->neural.emplace(options.voice_activity);
  front->apm_->processing.reset(webrtc::AudioProcessing::Create(config));
  webrtc::AudioProcessing* apm = front->apm_->processing.get();
  if (apm == nullptr) return MakeError(ErrorCode::kUnavailable, "the audio front end does not start");
  int failed = apm->high_pass_filter()->Enable(true);
  failed |= apm->echo_cancellation()->Enable(options.echo_cancellation);
  if (options.echo_cancellation) {
    failed |= apm->echo_cancellation()->set_suppression_level(webrtc::EchoCancellation::kHighSuppression);
    failed |= apm->echo_cancellation()->enable_drift_compensation(false);
  }
  failed |= apm->noise_suppression()->Enable(options.noise_suppression);
  if (options.noise_suppression)
    failed |= apm->noise_suppression()->set_level(webrtc::NoiseSuppression::kModerate);
  failed |= apm->gain_control()->Enable(options.gain_control);
  if (options.gain_control) failed |= apm->gain_control()->set_mode(webrtc::GainControl::kAdaptiveDigital);
  failed |= apm->voice_detection()->Enable(true);
  failed |= apm->voice_detection()->set_likelihood(webrtc::VoiceDetection::kVeryLowLikelihood);
  if (failed != 0) return MakeError(ErrorCode::kUnavailable, "the audio front end refuses its settings");
  return front;
}

void FrontEnd::Played(std::span<const float> frame) {
  SOTTO_CHECK(frame.size() == kFrameSamples);
  if (LevelDb(frame) > kPlayedDb) frames_since_played_ = 0;
  if (!options_.echo_cancellation) return;
  std::array<float, kFrameSamples> copy;
  std::copy(frame.begin(), frame.end(), copy.begin());
  float* channel = copy.data();
  const webrtc::StreamConfig stream(kSampleRateHz, 1);
  apm_->processing->ProcessReverseStream(&channel, stream, stream, &channel);
}

FrontEnd::Frame FrontEnd::Process(std::span<float> frame) {
  SOTTO_CHECK(frame.size() == kFrameSamples);
  webrtc::AudioProcessing* apm = apm_->processing.get();
  if (options_.echo_cancellation) apm->set_stream_delay_ms(std::max(options_.echo_delay_ms, 0));
  if (gain_db_ > 0) {
    const auto factor = static_cast<float>(std::pow(10.0, gain_db_ / 20));
    for (float& sample : frame) sample = std::clamp(sample * factor, -1.0f, 1.0f);
  }
  float* channel = frame.data();
  const webrtc::StreamConfig stream(kSampleRateHz, 1);
  apm->ProcessStream(&channel, stream, stream, &channel);

  Frame result;
  result.level_db = LevelDb(frame) - gain_db_;
  const double measured = *std::min_element(block_minimum_.begin(), block_minimum_.end());
  // Where the caller is quiet, so is what must not be taken for speech.
  const double quietest = std::clamp(loudest_db_ - kQuietLoudestDb, kQuietestOfAllDb - kQuietestFloorDb, 0.0);
  result.floor_db = std::max(measured, kQuietestFloorDb + quietest);
  const bool neural = NeuralAgrees(frame);
  result.voiced = neural && apm->voice_detection()->stream_has_voice() &&
                  result.level_db > result.floor_db + options_.gate_db;
  if (++frames_since_played_ > kEchoFrames)
    FollowLevel(result.level_db, std::max(measured, kQuietestOfAllDb));
  block_minimum_[block_] = std::min(block_minimum_[block_], result.level_db);
  if (++frames_in_block_ == kFramesPerBlock) {
    frames_in_block_ = 0;
    block_ = (block_ + 1) % kBlocks;
    block_minimum_[block_] = result.level_db;
  }
  return result;
}

bool FrontEnd::NeuralAgrees(std::span<const float> frame) {
  if (!apm_->neural) return true;
  std::vector<float>& waiting = apm_->waiting;
  waiting.insert(waiting.end(), frame.begin(), frame.end());
  constexpr size_t kFrame = VoiceActivityModel::kFrameSamples;
  if (waiting.size() >= kFrame) {
    const float voice = apm_->neural->Push(std::span(waiting).first(kFrame));
    apm_->neural_voice = voice > (apm_->neural_voice ? kNeuralStillVoice : kNeuralVoice);
    waiting.erase(waiting.begin(), waiting.begin() + kFrame);
  }
  return apm_->neural_voice;
}

void FrontEnd::FollowLevel(double level_db, double floor_db) {
  if (loudest_db_ != kUnknownDb) loudest_db_ -= kForgetDbPerFrame;
  if (level_db > std::max(floor_db + kClearlyOverFloorDb, kNoSpeechDb)) {
    loudest_db_ = loudest_db_ == kUnknownDb ? level_db : std::max(loudest_db_, level_db);
  }
  const bool quiet = loudest_db_ != kUnknownDb && loudest_db_ < kQuietLoudestDb;
  const double wanted = quiet ? std::clamp(kRaisedLoudestDb - loudest_db_, 0.0, kMostGainDb) : 0.0;
  gain_db_ = std::min(wanted, gain_db_ + kRiseDbPerFrame);  // down at once: nothing is clipped for long
}

}  // namespace sotto
