#include "cli/recorded_caller.h"

#include <fmt/color.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "assistant/step_clock.h"
#include "speech/audio_file.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr int kPolitePauseFrames = 40;  // a person's, before speaking
constexpr int kInterruptAfterFrames = 60;
constexpr int kGoodbyeFrames = 300;  // Sotto has so long to begin its last reply

}  // namespace

RecordedCaller RecordedCaller::Replay(Audio call) {
  RecordedCaller caller({{"", std::move(call), false}});
  caller.replay_ = true;
  return caller;
}

std::chrono::milliseconds RecordedCaller::left() const {
  if (position_ == 0 || now_.size() <= position_) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds((now_.size() - position_) * 1000 / kSampleRateHz);
}

void RecordedCaller::NextFrame(const VoiceSession& session, std::span<float> frame) {
  std::fill(frame.begin(), frame.end(), 0.0f);
  if (position_ == 0) {
    ++frames_since_speech_;
    if (next_ >= recordings_.size()) return;
    const Recording& upcoming = recordings_[next_];
    const bool ready = replay_ || (upcoming.interrupts ? session.speaking() : session.waiting());
    waited_frames_ = ready ? waited_frames_ + 1 : 0;
    if (!replay_ && waited_frames_ <= (upcoming.interrupts ? kInterruptAfterFrames : kPolitePauseFrames))
      return;
    waited_frames_ = 0;
    ++next_;
    now_ = replay_ ? upcoming.audio.samples : TrimAndFade(upcoming.audio.samples, 160);
    if (now_.empty()) return;
  }
  const size_t count = std::min(frame.size(), now_.size() - position_);
  std::copy_n(now_.begin() + static_cast<std::ptrdiff_t>(position_), count, frame.begin());
  position_ += count;
  if (position_ >= now_.size()) {
    position_ = 0;
    frames_since_speech_ = 0;
  }
}

Result<CallResult> RunCall(VoiceTerminal& terminal, RecordedCaller& caller, const CallOptions& options,
                           VoiceOptions voice, VoiceSession::Callbacks callbacks) {
  SystemClock system_clock;
  StepClock step_clock;
  FakeClock fake_clock;
  const Clock& clock = options.fake_clock ? static_cast<const Clock&>(fake_clock)
                       : options.fast     ? static_cast<const Clock&>(step_clock)
                                          : system_clock;
  SOTTO_ASSIGN_OR_RETURN(const auto session,
                         terminal.NewSession(clock, std::move(voice), std::move(callbacks)));
  std::unique_ptr<StereoWriter> writer;
  if (!options.out.empty()) {
    SOTTO_ASSIGN_OR_RETURN(writer, StereoWriter::Create(options.out));
  }
  std::vector<float> microphone(kFrameSamples), loudspeaker(kFrameSamples);
  CallResult result;
  session->Start();
  const auto began = std::chrono::steady_clock::now();
  const int64_t max_steps = options.limit.count() * 100;
  int64_t step = 0;
  for (; step < max_steps && !session->ended(); ++step) {
    if (caller.done() && session->waiting() && caller.frames_since_speech() > kGoodbyeFrames) break;
    const auto due = began + std::chrono::milliseconds(10) * step;
    if (options.fast) {
      step_clock.NextStep();
    } else {
      std::this_thread::sleep_until(due);
    }
    caller.NextFrame(*session, microphone);
    if (options.room != nullptr) options.room->AddTo(microphone);
    session->Step(microphone, loudspeaker);
    if (options.room != nullptr) options.room->Played(loudspeaker, caller.speaking(), session->paused());
    fake_clock.Advance(std::chrono::milliseconds(10));
    if (!options.fast && session->speaking() &&
        std::chrono::steady_clock::now() - due > std::chrono::milliseconds(20)) {
      ++result.late_frames;
    }
    if (writer != nullptr) SOTTO_RETURN_IF_ERROR(writer->Write(microphone, loudspeaker));
  }
  result.seconds = static_cast<double>(step) / 100;
  result.late_frames += static_cast<double>(session->late_frames());
  result.ended = session->ended();
  result.hand_off = session->hand_off();
  return result;
}

void PrintTurn(const TurnRecord& record, std::string_view said) {
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  const auto dim = terminal ? fmt::text_style(fmt::emphasis::faint) : fmt::text_style();
  const auto bold = terminal ? fmt::text_style(fmt::emphasis::bold) : fmt::text_style();
  if (!record.heard.text.empty()) {
    // The reading that was acted on: the best of what could have been said.
    const bool read = record.understood && !record.understood->transcript.empty();
    const std::string& taken = read ? record.understood->transcript : record.heard.text;
    fmt::print("  {} {}\n", fmt::styled("You   ", bold), taken);
    if (!said.empty() && NormaliseSpoken(said) != NormaliseSpoken(taken))
      fmt::print("  {}\n", fmt::styled(fmt::format("       misheard; said was: {}", said), dim));
  }
  if (record.ended_by == "no_input") fmt::print("  {}\n", fmt::styled("(silence)", dim));
  if (record.understood) {
    for (const Understanding::Call& call : record.understood->calls) {
      fmt::print("  {}\n",
                 fmt::styled(
                     fmt::format("       {}  confidence {:.2f}", ToString(call.call), call.confidence), dim));
    }
  }
  fmt::print(
      "  {} {}{}\n", fmt::styled("Sotto ", bold), record.reply.text,
      record.interrupted ? fmt::format("   [interrupted after {:.1f} s]", record.played_ms / 1000) : "");
  const TurnRecord::Times& t = record.times;
  if (t.endpoint >= 0 && t.speech_end >= 0 && t.first_audio >= 0) {
    const double acted = t.acted >= 0 ? t.acted : t.understood;
    const auto text = fmt::format(
        "       {:.0f} ms after your last sound: pause {:.0f} ({}), words {:.1f}, meaning {:.1f}, action "
        "{:.1f}, voice {:.1f}",
        record.VoiceToVoiceMs(), t.endpoint - t.speech_end, record.ended_by, t.final_transcript - t.endpoint,
        t.understood - t.final_transcript, acted - t.understood, t.first_audio - acted);
    fmt::print("  {}\n", fmt::styled(text, dim));
  }
  for (const std::string& error : record.errors)
    fmt::print("  {}\n", fmt::styled("       error: " + error, dim));
  fmt::print("\n");
  std::fflush(stdout);
}

}  // namespace sotto
