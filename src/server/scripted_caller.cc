#include "server/scripted_caller.h"

#include <algorithm>
#include <cmath>

namespace sotto {
namespace {

constexpr float kSound = 0.01f;  // peak; what is below is the pause between two words
constexpr float kNothing = 0.001f;
constexpr std::chrono::milliseconds kLateAfter{20 + 40};

float Peak(std::span<const float> samples) {
  float peak = 0;
  for (const float sample : samples) peak = std::max(peak, std::abs(sample));
  return peak;
}

}  // namespace

ScriptedCaller::ScriptedCaller(const Clock& clock, std::vector<Audio> recordings, const Dial& dial,
                               Options options)
    : clock_(clock), recordings_(std::move(recordings)), options_(std::move(options)), began_(clock.Now()) {
  line_ = dial({.on_audio = [this](std::span<const float> samples) { OnAudio(samples); },
                .on_event =
                    [this](const Json& event) {
                      if (options_.on_event) options_.on_event(event);
                    },
                .on_end =
                    [this](std::string_view reason) {
                      const std::lock_guard lock(mutex_);
                      results_.ended = reason;
                    }});
}

ScriptedCaller::~ScriptedCaller() = default;

void ScriptedCaller::OnAudio(std::span<const float> samples) {
  const TimePoint now = clock_.Now();
  const float peak = Peak(samples);
  const std::lock_guard lock(mutex_);
  ++results_.packets;
  if (options_.keep_audio) results_.audio.insert(results_.audio.end(), samples.begin(), samples.end());
  if (last_sounded_) {
    results_.longest_gap_ms = std::max(results_.longest_gap_ms, Milliseconds(now - last_packet_));
    if (now - last_packet_ > kLateAfter) ++results_.late_packets;
  }
  last_packet_ = now;
  last_sounded_ = peak > kNothing;
  if (peak < kSound) return;
  if (waits_ && !answered_) results_.waited.push_back(Milliseconds(now - began_));
  answered_ = true;
  last_sound_ = now;
}

void ScriptedCaller::Speak(TimePoint now) {
  speaking_ = true;
  position_ = 0;
  const std::lock_guard lock(mutex_);
  if (!answered_ && waits_) ++results_.unanswered;
  results_.said_at.push_back(results_.audio.size());
  began_ = now;
}

bool ScriptedCaller::Step(Duration /*late*/) {
  const TimePoint now = clock_.Now();
  bool their_turn = true;
  {
    const std::lock_guard lock(mutex_);
    if (!results_.ended.empty()) {
      results_.over = true;
      return false;
    }
    const Duration silent = now - std::max(last_sound_, began_);
    their_turn = answered_ ? silent < options_.polite : now - began_ < options_.patience;
  }
  if (!speaking_ && !their_turn && !hung_up_) {
    if (next_ < recordings_.size()) {
      Speak(now);
    } else {
      hung_up_ = true;
      {
        const std::lock_guard lock(mutex_);
        if (!answered_ && waits_) ++results_.unanswered;
      }
      line_->HangUp();
    }
  }
  std::vector<float> frame(kFrameSamples);
  if (speaking_) {
    const std::vector<float>& samples = recordings_[next_].samples;
    const size_t count = std::min(frame.size(), samples.size() - position_);
    std::copy_n(samples.begin() + static_cast<std::ptrdiff_t>(position_), count, frame.begin());
    position_ += count;
    if (position_ == samples.size()) {
      speaking_ = false;
      ++next_;
      const std::lock_guard lock(mutex_);
      began_ = now;
      answered_ = false;
      waits_ = true;
    }
  }
  if (!hung_up_) line_->Send(frame);
  return true;
}

ScriptedCaller::Results ScriptedCaller::results() const {
  const std::lock_guard lock(mutex_);
  return results_;
}

}  // namespace sotto
