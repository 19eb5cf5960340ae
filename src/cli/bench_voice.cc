// sotto bench voice: simultaneous real-time calls on this machine.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "cli/bench.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/demo_script.h"
#include "cli/percentile.h"
#include "cli/process_usage.h"
#include "cli/recorded_caller.h"
#include "cli/voice_stack.h"
#include "speech/backends.h"

namespace sotto {
namespace {

struct BenchFlags {
  VoiceFlags voice;
  int calls = 4;
  int seconds = 30;
  int search_seconds = 10;
  int search_limit = 64;
  bool no_search = false;
  bool json = false;
};

// A frame that comes later than this is heard: what a small jitter buffer would bridge.
constexpr auto kLate = std::chrono::milliseconds(30);
// Speech that was still to come when the turn was ended.
constexpr auto kCutOff = std::chrono::milliseconds(120);

struct Measured {
  std::vector<double> first_audio;
  std::vector<double> voice_to_voice;
  int64_t turns = 0;
  int64_t false_cutoffs = 0;
  int64_t frames = 0;
  int64_t late_frames = 0;
  double cpu = 0;  // cores
  double rss_mb = 0;
  int64_t finished_calls = 0;
};

// What callers say in each call.
Result<std::vector<Recordings>> MakeCallers(const Workflow& workflow) {
  SOTTO_ASSIGN_OR_RETURN(std::vector<DemoLine> lines, ReadDemoScript(workflow, {}));
  for (DemoLine& line : lines) line.interrupts = false;
  return RecordCallers(lines);
}

// One line of calls, one after the other, until `until`.
class CallLine {
 public:
  CallLine(VoiceStack& stack, const std::vector<Recordings>& callers, size_t number)
      : stack_(stack), callers_(callers), number_(number) {}

  void Run(std::chrono::steady_clock::time_point until) {
    // Lines do not start in step.
    std::this_thread::sleep_for(std::chrono::milliseconds(137 * number_ % 1900));
    while (std::chrono::steady_clock::now() < until && OneCall(until)) ++measured.finished_calls;
  }

  Measured measured;

 private:
  bool OneCall(std::chrono::steady_clock::time_point until) {
    RecordedCaller caller(
        callers_[(number_ + static_cast<size_t>(measured.finished_calls)) % callers_.size()]);
    double speech_ended = -1;  // in ms of the session, by the recording and not by the detector
    VoiceSession::Callbacks callbacks;
    callbacks.on_reply = [&](const TurnRecord& record) {
      const bool by_voice = record.times.speech_end >= 0;
      if (by_voice && caller.speaking() && caller.left() > kCutOff) ++measured.false_cutoffs;
    };
    callbacks.on_turn = [&](const TurnRecord& record) {
      if (record.times.speech_end < 0 || record.times.first_audio < 0) return;
      ++measured.turns;
      measured.first_audio.push_back(record.EndpointToFirstAudioMs());
      if (speech_ended >= 0 && speech_ended <= record.times.endpoint) {
        measured.voice_to_voice.push_back(record.times.first_audio - speech_ended);
      }
    };
    VoiceOptions options = stack_.NextOptions();
    options.front_end.echo_cancellation = false;
    auto session = stack_.NewSession(clock_, options, std::move(callbacks));
    if (!session) {
      fmt::print(stderr, "sotto: {}\n", session.error().message);
      return false;
    }
    std::vector<float> microphone(kFrameSamples), loudspeaker(kFrameSamples);
    (*session)->Start();
    const auto began = std::chrono::steady_clock::now();
    for (int64_t step = 0; !(*session)->ended(); ++step) {
      const auto due = began + std::chrono::milliseconds(10) * step;
      std::this_thread::sleep_until(due);
      if (due >= until) return false;
      if (caller.done() && (*session)->waiting() && caller.frames_since_speech() > 150) break;
      const bool spoke = caller.speaking();
      caller.NextFrame(**session, microphone);
      if (spoke && !caller.speaking()) speech_ended = Milliseconds(std::chrono::steady_clock::now() - began);
      (*session)->Step(microphone, loudspeaker);
      ++measured.frames;
      if (std::chrono::steady_clock::now() - due > kLate && (*session)->speaking()) ++measured.late_frames;
    }
    measured.late_frames += (*session)->late_frames();
    return true;
  }

  VoiceStack& stack_;
  const std::vector<Recordings>& callers_;
  const size_t number_;
  SystemClock clock_;
};

Measured RunCalls(VoiceStack& stack, const std::vector<Recordings>& callers, int calls, int seconds) {
  const auto began = std::chrono::steady_clock::now();
  const auto until = began + std::chrono::seconds(seconds);
  const double cpu = CpuSeconds();
  std::vector<std::unique_ptr<CallLine>> lines;
  std::vector<std::thread> threads;
  for (int i = 0; i < calls; ++i) {
    lines.push_back(std::make_unique<CallLine>(stack, callers, static_cast<size_t>(i)));
    threads.emplace_back([&line = *lines.back(), until] { line.Run(until); });
  }
  Measured all;
  for (size_t i = 0; i < threads.size(); ++i) {
    threads[i].join();
    const Measured& one = lines[i]->measured;
    all.first_audio.insert(all.first_audio.end(), one.first_audio.begin(), one.first_audio.end());
    all.voice_to_voice.insert(all.voice_to_voice.end(), one.voice_to_voice.begin(), one.voice_to_voice.end());
    all.turns += one.turns;
    all.false_cutoffs += one.false_cutoffs;
    all.frames += one.frames;
    all.late_frames += one.late_frames;
    all.finished_calls += one.finished_calls;
  }
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  all.cpu = (CpuSeconds() - cpu) / wall;
  all.rss_mb = ResidentMb();
  return all;
}

Json Percentiles(const std::vector<double>& values) {
  return Json{{"p50", Percentile(values, 0.5)},
              {"p95", Percentile(values, 0.95)},
              {"p99", Percentile(values, 0.99)},
              {"n", values.size()}};
}

// The highest number of calls without a late frame: doubles, then halves the gap.
int FindMax(VoiceStack& stack, const std::vector<Recordings>& callers, const BenchFlags& flags, int good) {
  const auto works = [&](int calls) {
    const Measured measured = RunCalls(stack, callers, calls, flags.search_seconds);
    fmt::print(stderr, "sotto: {} calls: {} of {} frames late, {:.2f} cores\n", calls, measured.late_frames,
               measured.frames, measured.cpu);
    return measured.late_frames == 0;
  };
  int bad = 0;
  while (bad == 0 && good < flags.search_limit) {
    const int next = std::min(std::max(good * 2, 1), flags.search_limit);
    if (works(next)) {
      good = next;
    } else {
      bad = next;
    }
  }
  while (bad - good > std::max(1, good / 8)) {
    const int next = (good + bad) / 2;
    if (works(next)) {
      good = next;
    } else {
      bad = next;
    }
  }
  return good;
}

Result<void> Run(const BenchFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto stack, VoiceStack::Open(flags.voice, true, flags.calls));
  SOTTO_ASSIGN_OR_RETURN(const auto callers, MakeCallers(stack->workflow()));
  const Measured measured = RunCalls(*stack, callers, flags.calls, flags.seconds);
  int max_calls = measured.late_frames == 0 ? flags.calls : 0;
  if (!flags.no_search) max_calls = FindMax(*stack, callers, flags, max_calls);
  const Json json = {{"calls", flags.calls},
                     {"seconds", flags.seconds},
                     {"first_audio_ms", Percentiles(measured.first_audio)},
                     {"voice_to_voice_ms", Percentiles(measured.voice_to_voice)},
                     {"turns", measured.turns},
                     {"false_cutoffs", measured.false_cutoffs},
                     {"frames", measured.frames},
                     {"late_frames", measured.late_frames},
                     {"late_means_ms", kLate.count()},
                     {"cpu", measured.cpu},
                     {"rss_mb", measured.rss_mb},
                     {"max_calls", max_calls},
                     {"cores", std::thread::hardware_concurrency()},
                     {"commit", kCommit}};
  if (flags.json) {
    fmt::print("{}\n", json.dump(2));
    return {};
  }
  const auto line = [](const char* what, const std::vector<double>& values) {
    fmt::print("  {:<38} p50 {:6.1f}  p95 {:6.1f}  p99 {:6.1f} ms\n", what, Percentile(values, 0.5),
               Percentile(values, 0.95), Percentile(values, 0.99));
  };
  fmt::print("{} calls for {} s: {} turns\n", flags.calls, flags.seconds, measured.turns);
  line("end of speech decided -> first audio", measured.first_audio);
  line("last sound -> first audio", measured.voice_to_voice);
  fmt::print(
      "  cut off {}, late frames {} of {}, {:.2f} cores, {:.0f} MB\n  highest number of calls without a late "
      "frame: {}\n",
      measured.false_cutoffs, measured.late_frames, measured.frames, measured.cpu, measured.rss_mb,
      max_calls);
  return {};
}

}  // namespace

void RegisterBenchVoice(CLI::App& bench, CliContext& context) {
  CLI::App* command = bench.add_subcommand(
      "voice", "Simultaneous spoken calls in real time: latency, late frames, CPU, memory");
  auto flags = std::make_shared<BenchFlags>();
  flags->voice.AddTo(*command);
  command->add_option("--calls", flags->calls, "Simultaneous calls")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_option("--seconds", flags->seconds, "For how long")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  command->add_option("--search-seconds", flags->search_seconds, "For how long each number is tried")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  command->add_option("--search-limit", flags->search_limit, "The highest number that is tried")
      ->check(CLI::Range(1, 512))
      ->capture_default_str();
  command->add_flag("--no-search", flags->no_search,
                    "Do not look for the highest number of calls without a late frame");
  command->add_flag("--json", flags->json, "For machines");
  command->footer(
      "Example:\n  sotto bench voice --workflow workflows/banking --calls 10 --seconds 30 --json");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
