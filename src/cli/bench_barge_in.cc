// sotto bench barge-in: how fast Sotto falls silent when the caller speaks over it, and whether it ever takes
// its own echo for the caller.
#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/demo_script.h"
#include "cli/percentile.h"
#include "cli/progress.h"
#include "cli/recorded_caller.h"
#include "cli/voice_terminal.h"

namespace sotto {
namespace {

struct BargeInFlags {
  VoiceFlags voice;
  int trials = 60;
  double minutes = 10;
  double echo_db = -12;
  double delay_ms = 90;
  int stated_delay_ms = -1;  // what the canceller is told; -1: nothing
  bool json = false;
};

// A loudspeaker beside the microphone: what is played comes back later and quieter, with the tail of a small
// room, over a little noise.
class EchoRoom final : public Room {
 public:
  EchoRoom(const BargeInFlags& flags, uint64_t seed)
      : random_(seed),
        delay_(static_cast<size_t>(flags.delay_ms * kSampleRateHz / 1000)),
        gain_(static_cast<float>(std::pow(10, flags.echo_db / 20))) {
    for (size_t i = 0; i < kTail; ++i) {
      const double decay = std::exp(-6.9 * static_cast<double>(i) / kTail);  // 60 dB
      tail_.push_back(static_cast<float>((i == 0 ? 1 : 0.08 * (2 * random_.Uniform() - 1)) * decay));
    }
    played_.assign(delay_ + kTail, 0.0f);
  }

  void AddTo(std::span<float> microphone) override {
    const size_t begin = played_.size() - delay_;
    for (size_t i = 0; i < microphone.size(); ++i) {
      float echo = 0;
      for (size_t k = 0; k < kTail; k += kTailStep) echo += tail_[k] * played_[begin + i - k];
      microphone[i] += gain_ * echo + kNoise * static_cast<float>(2 * random_.Uniform() - 1);
    }
  }

  void Played(std::span<const float> loudspeaker, bool speaking, bool paused) override {
    played_.insert(played_.end(), loudspeaker.begin(), loudspeaker.end());
    played_.erase(played_.begin(), played_.begin() + static_cast<std::ptrdiff_t>(loudspeaker.size()));
    const bool sound = std::any_of(loudspeaker.begin(), loudspeaker.end(), [](float s) { return s != 0; });
    if (sound && !speaking) ++frames_alone_;
    since_caller_ = speaking ? 0 : since_caller_ + 1;
    if (paused && !paused_ && since_caller_ > kAfterCaller) ++pauses_alone_;
    paused_ = paused;
    if (speaking && !spoke_) onset_ = frames_;
    spoke_ = spoke_ || speaking;
    if (spoke_ && silent_for_ < kSilence) {
      if (sound) last_sound_ = frames_;
      silent_for_ = sound ? 0 : silent_for_ + 1;
    }
    ++frames_;
  }

  // From the caller's first sound until the loudspeaker was silent; the reply that follows does not count.
  double StoppedAfterMs() const { return spoke_ ? 10.0 * static_cast<double>(last_sound_ + 1 - onset_) : -1; }
  // How often Sotto stopped although the caller had long been silent.
  int64_t pauses_alone() const { return pauses_alone_; }
  double SecondsAlone() const { return static_cast<double>(frames_alone_) / 100; }

 private:
  static constexpr size_t kTail = 1600;  // samples: a tenth of a second
  static constexpr size_t kTailStep = 8;
  static constexpr int64_t kSilence = 15;  // frames without sound: it has stopped
  static constexpr int64_t kAfterCaller = 30;
  static constexpr float kNoise = 0.0003f;

  Random random_;
  const size_t delay_;
  const float gain_;
  std::vector<float> tail_;
  std::vector<float> played_;  // newest last
  int64_t frames_ = 0, onset_ = 0, last_sound_ = 0, silent_for_ = 0, frames_alone_ = 0;
  int64_t since_caller_ = 0, pauses_alone_ = 0;
  bool spoke_ = false, paused_ = false;
};

class BargeIn {
 public:
  BargeIn(const BargeInFlags& flags, VoiceTerminal& terminal) : flags_(flags), terminal_(terminal) {}

  Result<Json> Run() {
    SOTTO_ASSIGN_OR_RETURN(const std::vector<DemoLine> lines, ReadDemoScript(terminal_.workflow(), {}));
    SOTTO_ASSIGN_OR_RETURN(callers_, RecordCallers(lines));
    SOTTO_RETURN_IF_ERROR(Interrupt());
    SOTTO_RETURN_IF_ERROR(Listen());
    const auto in_time = std::count_if(stop_ms_.begin(), stop_ms_.end(), [](double ms) { return ms <= 200; });
    return Json{
        {"trials", stop_ms_.size()},
        {"stopped_within_200_ms", static_cast<double>(in_time) / static_cast<double>(stop_ms_.size())},
        {"stop_ms",
         {{"p50", Percentile(stop_ms_, 0.5)},
          {"p95", Percentile(stop_ms_, 0.95)},
          {"max", Percentile(stop_ms_, 1)}}},
        {"playback_s", playback_s_},
        {"false_barge_ins", false_barge_ins_},
        {"false_pauses", false_pauses_},
        {"echo_db", flags_.echo_db},
        {"echo_delay_ms", flags_.delay_ms},
        {"stated_delay_ms", flags_.stated_delay_ms},
        {"commit", kCommit}};
  }

 private:
  Result<void> Call(SpokenLines recordings, const VoiceSession::Callbacks& callbacks, EchoRoom* room) {
    RecordedCaller caller(std::move(recordings));
    VoiceOptions voice = terminal_.NextOptions();
    voice.front_end.echo_cancellation = true;
    voice.front_end.echo_delay_ms = flags_.stated_delay_ms;
    CallOptions options;
    options.fast = true;
    options.room = room;
    options.limit = std::chrono::seconds(120);
    SOTTO_RETURN_IF_ERROR(RunCall(terminal_, caller, options, std::move(voice), callbacks));
    return {};
  }

  // The caller says one line over the greeting.
  Result<void> Interrupt() {
    ProgressBar progress("Interrupting");
    for (int n = 0; n < flags_.trials; ++n) {
      const SpokenLines& all = callers_[static_cast<size_t>(n) % callers_.size()];
      RecordedCaller::Recording line = all[static_cast<size_t>(n) / callers_.size() % all.size()];
      line.interrupts = true;
      EchoRoom room(flags_, static_cast<uint64_t>(n + 1));
      SOTTO_RETURN_IF_ERROR(Call({std::move(line)}, {}, &room));
      stop_ms_.push_back(room.StoppedAfterMs());
      progress.Update(static_cast<size_t>(n + 1), static_cast<size_t>(flags_.trials));
    }
    return {};
  }

  // Whole calls of a caller who never interrupts: every interruption is Sotto's own echo.
  Result<void> Listen() {
    ProgressBar progress("Listening to itself");
    for (size_t n = 0; playback_s_ < flags_.minutes * 60; ++n) {
      SpokenLines lines = callers_[n % callers_.size()];
      for (RecordedCaller::Recording& line : lines) line.interrupts = false;
      VoiceSession::Callbacks callbacks;
      callbacks.on_turn = [&](const TurnRecord& record) { false_barge_ins_ += record.interrupted; };
      EchoRoom room(flags_, n + 1000);
      SOTTO_RETURN_IF_ERROR(Call(std::move(lines), callbacks, &room));
      playback_s_ += room.SecondsAlone();
      false_pauses_ += room.pauses_alone();
      progress.Update(static_cast<size_t>(playback_s_), static_cast<size_t>(flags_.minutes * 60));
    }
    return {};
  }

  const BargeInFlags& flags_;
  VoiceTerminal& terminal_;
  std::vector<SpokenLines> callers_;
  std::vector<double> stop_ms_;
  double playback_s_ = 0;
  int64_t false_barge_ins_ = 0;  // replies cut off
  int64_t false_pauses_ = 0;     // replies held for a moment
};

Result<void> Run(const BargeInFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto terminal, VoiceTerminal::Open(flags.voice, false));
  SOTTO_ASSIGN_OR_RETURN(const Json json, BargeIn(flags, *terminal).Run());
  fmt::print("{}\n", json.dump(flags.json ? -1 : 2));
  return {};
}

}  // namespace

void RegisterBenchBargeIn(CLI::App& bench, CliContext& context) {
  CLI::App* command = bench.add_subcommand(
      "barge-in", "A caller who interrupts, with echo: how fast Sotto is silent, and false alarms");
  auto flags = std::make_shared<BargeInFlags>();
  flags->voice.AddTo(*command);
  command->add_option("--trials", flags->trials, "Interruptions")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--minutes", flags->minutes, "Of Sotto's own voice, without interruption")
      ->check(CLI::Range(0.1, 1000.0))
      ->capture_default_str();
  command->add_option("--echo", flags->echo_db, "Level of the echo against what is played (dB)")
      ->check(CLI::Range(-60.0, 6.0))
      ->capture_default_str();
  command->add_option("--delay", flags->delay_ms, "From loudspeaker to microphone (ms)")
      ->check(CLI::Range(10.0, 400.0))
      ->capture_default_str();
  command
      ->add_option("--stated-delay", flags->stated_delay_ms,
                   "What the canceller is told about it, as sound devices do; -1: nothing")
      ->check(CLI::Range(-1, 400))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "On one line");
  command->footer("Example:\n  sotto bench barge-in --workflow workflows/banking --json");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
