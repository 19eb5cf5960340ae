// sotto bench voice: simultaneous real-time calls on this machine, all of them driven by few threads.
#include <algorithm>
#include <ctime>
#include <thread>

#include "base/prompt_thread.h"
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/demo_script.h"
#include "cli/percentile.h"
#include "cli/process_usage.h"
#include "cli/recorded_caller.h"
#include "cli/stand_ins.h"
#include "cli/voice_terminal.h"
#include "speech/backends.h"

namespace sotto {
namespace {

using std::chrono::milliseconds;

struct BenchVoiceFlags {
  VoiceFlags voice;
  int calls = 4;
  int seconds = 30;
  int search_seconds = 10;
  int search_limit = 64;
  int drivers = 2;
  int slow_calls = 0;
  int brain_takes_ms = 300;
  int recognizer_takes_ms = 2000;
  bool no_search = false;
  bool plain_endpointing = false;
  bool json = false;
};

// A frame that comes later than this is heard: what a small jitter buffer would bridge.
constexpr auto kLate = milliseconds(30);
// Speech that was still to come when the turn was ended.
constexpr auto kCutOff = milliseconds(120);

struct Measured {
  std::vector<double> first_audio;
  std::vector<double> voice_to_voice;
  std::vector<double> pause;        // last sound -> end of speech decided
  std::vector<double> words;        // -> final
  std::vector<double> meaning;      // -> reply decided, actions included
  std::vector<double> voice;        // -> first audio
  std::vector<double> step_ms;      // by the clock: what else the machine does is in it
  std::vector<double> step_cpu_ms;  // by the thread's processor time
  int64_t turns = 0;
  int64_t false_cutoffs = 0;
  int64_t frames = 0;
  int64_t late_frames = 0;
  int64_t errors = 0;
  double cpu = 0;  // cores
  double rss_mb = 0;
  int threads = 0;
  int64_t finished_calls = 0;

  void Add(const Measured& other) {
    const auto append = [](auto& all, const auto& more) { all.insert(all.end(), more.begin(), more.end()); };
    append(first_audio, other.first_audio);
    append(voice_to_voice, other.voice_to_voice);
    append(pause, other.pause);
    append(words, other.words);
    append(meaning, other.meaning);
    append(voice, other.voice);
    append(step_ms, other.step_ms);
    append(step_cpu_ms, other.step_cpu_ms);
    turns += other.turns;
    false_cutoffs += other.false_cutoffs;
    frames += other.frames;
    late_frames += other.late_frames;
    errors += other.errors;
    finished_calls += other.finished_calls;
  }
};

// What callers say in each call.
Result<std::vector<SpokenLines>> MakeCallers(const Workflow& workflow) {
  SOTTO_ASSIGN_OR_RETURN(std::vector<DemoLine> lines, ReadDemoScript(workflow, {}));
  for (DemoLine& line : lines) line.interrupts = false;
  return RecordCallers(lines);
}

double ThreadCpuMs() {
  timespec now = {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// One line of calls, one after the other. One thread at a time.
class CallLine {
 public:
  // `humming`: the voice of a line with stand-ins; null: everything is real.
  CallLine(VoiceTerminal& terminal, const BenchVoiceFlags& flags, const std::vector<SpokenLines>& callers,
           size_t number, std::shared_ptr<PhraseCache> humming)
      : terminal_(terminal),
        flags_(flags),
        callers_(callers),
        number_(number),
        humming_(std::move(humming)),
        recognizers_(terminal.scheduler(), milliseconds(flags.recognizer_takes_ms),
                     [this] { return Said(); }) {}

  Result<void> Open() {
    caller_.emplace(callers_[(number_ + static_cast<size_t>(measured.finished_calls)) % callers_.size()]);
    speech_ended_ = -1;
    VoiceOptions options = terminal_.NextOptions();
    options.front_end.echo_cancellation = false;
    if (flags_.plain_endpointing) options.front_end.voice_activity = nullptr;
    VoiceServices services = terminal_.services(clock_);
    std::unique_ptr<Understander> understander = terminal_.NewUnderstander();
    if (humming_ != nullptr) {
      services.recognizers = &recognizers_;
      services.phrases = humming_;
      understander =
          MakeSlow(std::move(understander), terminal_.scheduler(), milliseconds(flags_.brain_takes_ms));
    }
    SOTTO_ASSIGN_OR_RETURN(session_, VoiceSession::Create(std::move(services), std::move(understander),
                                                          std::move(options), MakeCallbacks()));
    return {};
  }

  bool slow() const { return humming_ != nullptr; }
  TimePoint due() const { return due_; }
  void StartAt(TimePoint when) { due_ = when; }

  // The frame that is due.
  void Step() {
    if (!begun_) {
      session_->Start();
      began_ = clock_.Now();
      begun_ = true;
    }
    const bool spoke = caller_->speaking();
    caller_->NextFrame(*session_, microphone_);
    if (spoke && !caller_->speaking()) speech_ended_ = Milliseconds(clock_.Now() - began_);
    const TimePoint before = clock_.Now();
    const double cpu = ThreadCpuMs();
    session_->Step(microphone_, loudspeaker_);
    const TimePoint after = clock_.Now();
    measured.step_cpu_ms.push_back(ThreadCpuMs() - cpu);
    measured.step_ms.push_back(Milliseconds(after - before));
    ++measured.frames;
    if (after - due_ > kLate && session_->speaking()) ++measured.late_frames;
    due_ += milliseconds(10);
    const bool over =
        session_->ended() || (caller_->done() && session_->waiting() && caller_->frames_since_speech() > 150);
    if (over) EndCall();
  }
  // Before the results are read.
  void Close() {
    if (session_ != nullptr) measured.late_frames += session_->late_frames();
    session_.reset();
  }

  Measured measured;

 private:
  void EndCall() {
    Close();
    ++measured.finished_calls;
    begun_ = false;
    if (const auto opened = Open(); !opened) {
      fmt::print(stderr, "sotto: {}\n", opened.error().message);
      due_ = TimePoint::max();
      return;
    }
    due_ = clock_.Now() + milliseconds(500);  // the next one dials
  }

  std::string Said() const {
    return caller_->current() < 0 ? "" : caller_->recording(static_cast<size_t>(caller_->current())).text;
  }

  VoiceSession::Callbacks MakeCallbacks() {
    VoiceSession::Callbacks callbacks;
    callbacks.on_reply = [this](const TurnRecord& record) {
      const bool by_voice = record.times.speech_end >= 0;
      if (by_voice && caller_->speaking() && caller_->left() > kCutOff) ++measured.false_cutoffs;
    };
    callbacks.on_turn = [this](const TurnRecord& record) {
      measured.errors += static_cast<int64_t>(record.errors.size());
      if (record.times.speech_end < 0 || record.times.first_audio < 0) return;
      ++measured.turns;
      measured.first_audio.push_back(record.EndpointToFirstAudioMs());
      const TurnRecord::Times& times = record.times;
      if (speech_ended_ >= 0 && speech_ended_ <= times.endpoint) {
        measured.voice_to_voice.push_back(times.first_audio - speech_ended_);
        measured.pause.push_back(times.endpoint - speech_ended_);
      }
      measured.words.push_back(times.final_transcript - times.endpoint);
      measured.meaning.push_back(times.replied - times.final_transcript);
      measured.voice.push_back(times.first_audio - times.replied);
    };
    return callbacks;
  }

  VoiceTerminal& terminal_;
  const BenchVoiceFlags& flags_;
  const std::vector<SpokenLines>& callers_;
  const size_t number_;
  const std::shared_ptr<PhraseCache> humming_;
  SystemClock clock_;
  SlowRecognizers recognizers_;
  std::optional<RecordedCaller> caller_;
  std::unique_ptr<VoiceSession> session_;
  TimePoint due_;
  TimePoint began_;
  bool begun_ = false;
  double speech_ended_ = -1;  // in ms of the session, by the recording and not by the detector
  std::vector<float> microphone_ = std::vector<float>(kFrameSamples);
  std::vector<float> loudspeaker_ = std::vector<float>(kFrameSamples);
};

// Steps its lines, each when its frame is due, until `until`.
void Drive(const std::vector<std::unique_ptr<CallLine>>& lines, size_t first, size_t stride,
           TimePoint until) {
  WakePromptly();  // as the server's threads do that step calls
  while (true) {
    CallLine* next = nullptr;
    for (size_t i = first; i < lines.size(); i += stride) {
      if (next == nullptr || lines[i]->due() < next->due()) next = lines[i].get();
    }
    if (next == nullptr || next->due() >= until) return;
    std::this_thread::sleep_until(next->due());
    next->Step();
  }
}

struct Results {
  Measured calls;
  Measured slow;  // those with stand-ins
};

Result<Results> RunCalls(VoiceTerminal& terminal, const BenchVoiceFlags& flags,
                         const std::vector<SpokenLines>& callers, int calls, int seconds) {
  const SystemClock clock;
  const auto humming = std::make_shared<PhraseCache>(MakeHummingVoice(), "");
  std::vector<std::unique_ptr<CallLine>> lines;
  // Opening comes before: a call that is being dialled delays nobody's frames.
  for (int i = 0; i < calls + flags.slow_calls; ++i) {
    lines.push_back(std::make_unique<CallLine>(terminal, flags, callers, static_cast<size_t>(i),
                                               i < calls ? nullptr : humming));
    SOTTO_RETURN_IF_ERROR(lines.back()->Open());
  }
  const TimePoint began = clock.Now();
  const TimePoint until = began + std::chrono::seconds(seconds);
  for (size_t i = 0; i < lines.size(); ++i) lines[i]->StartAt(began + milliseconds(137 * i % 1900));
  const double cpu = CpuSeconds();
  std::vector<std::thread> threads;
  const size_t drivers = std::min(static_cast<size_t>(flags.drivers), lines.size());
  for (size_t i = 0; i < drivers; ++i) {
    threads.emplace_back([&lines, i, drivers, until] { Drive(lines, i, drivers, until); });
  }
  for (std::thread& thread : threads) thread.join();
  Results results;
  const double wall = Milliseconds(clock.Now() - began) / 1000;
  results.calls.cpu = (CpuSeconds() - cpu) / wall;
  results.calls.rss_mb = ResidentMb();
  results.calls.threads = ThreadCount() + static_cast<int>(drivers);
  for (const auto& line : lines) {
    line->Close();
    (line->slow() ? results.slow : results.calls).Add(line->measured);
  }
  return results;
}

// The highest number of calls without a late frame: doubles, then halves the gap.
Result<int> FindMax(VoiceTerminal& terminal, const std::vector<SpokenLines>& callers,
                    const BenchVoiceFlags& flags, int good) {
  const auto works = [&](int calls) -> Result<bool> {
    SOTTO_ASSIGN_OR_RETURN(const Results results,
                           RunCalls(terminal, flags, callers, calls, flags.search_seconds));
    const Measured& measured = results.calls;
    fmt::print(stderr, "sotto: {} calls: {} of {} frames late, {:.2f} cores\n", calls, measured.late_frames,
               measured.frames, measured.cpu);
    return measured.late_frames == 0;
  };
  int bad = 0;
  while (bad == 0 && good < flags.search_limit) {
    const int next = std::min(std::max(good * 2, 1), flags.search_limit);
    SOTTO_ASSIGN_OR_RETURN(const bool fine, works(next));
    (fine ? good : bad) = next;
  }
  while (bad - good > std::max(1, good / 8)) {
    const int next = (good + bad) / 2;
    SOTTO_ASSIGN_OR_RETURN(const bool fine, works(next));
    (fine ? good : bad) = next;
  }
  return good;
}

Result<void> Run(const BenchVoiceFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto terminal, VoiceTerminal::Open(flags.voice, true, flags.calls));
  SOTTO_ASSIGN_OR_RETURN(const auto callers, MakeCallers(terminal->workflow()));
  SOTTO_ASSIGN_OR_RETURN(const Results results,
                         RunCalls(*terminal, flags, callers, flags.calls, flags.seconds));
  const Measured& measured = results.calls;
  int max_calls = measured.late_frames == 0 ? flags.calls : 0;
  if (!flags.no_search) {
    SOTTO_ASSIGN_OR_RETURN(max_calls, FindMax(*terminal, callers, flags, max_calls));
  }
  const Json slow = {{"calls", flags.slow_calls},
                     {"brain_takes_ms", flags.brain_takes_ms},
                     {"recognizer_takes_ms", flags.recognizer_takes_ms},
                     {"first_audio_ms", Percentiles(results.slow.first_audio)},
                     {"step_ms", Percentiles(results.slow.step_ms)},
                     {"step_cpu_ms", Percentiles(results.slow.step_cpu_ms)},
                     {"turns", results.slow.turns},
                     {"errors", results.slow.errors},
                     {"frames", results.slow.frames},
                     {"late_frames", results.slow.late_frames}};
  const Scheduler::Counters work = terminal->scheduler().counters();
  const double began = static_cast<double>(std::max<uint64_t>(work.finished + work.missed, 1));
  const Json json = {{"calls", flags.calls},
                     {"seconds", flags.seconds},
                     {"first_audio_ms", Percentiles(measured.first_audio)},
                     {"voice_to_voice_ms", Percentiles(measured.voice_to_voice)},
                     {"stages_ms",
                      {{"pause", Percentiles(measured.pause)},
                       {"words", Percentiles(measured.words)},
                       {"meaning", Percentiles(measured.meaning)},
                       {"voice", Percentiles(measured.voice)}}},
                     {"step_ms", Percentiles(measured.step_ms)},
                     {"step_cpu_ms", Percentiles(measured.step_cpu_ms)},
                     {"turns", measured.turns},
                     {"errors", measured.errors},
                     {"false_cutoffs", measured.false_cutoffs},
                     {"frames", measured.frames},
                     {"late_frames", measured.late_frames},
                     {"late_means_ms", kLate.count()},
                     {"slow", slow},
                     {"drivers", flags.drivers},
                     {"threads", measured.threads},
                     {"work",
                      {{"posted", work.posted},
                       {"missed", work.missed},
                       {"refused", work.refused},
                       {"waited_mean_ms", Milliseconds(work.waited) / began},
                       {"waited_most_ms", Milliseconds(work.waited_most)}}},
                     {"cpu", measured.cpu},
                     {"rss_mb", measured.rss_mb},
                     {"max_calls", max_calls},
                     {"cores", std::thread::hardware_concurrency()},
                     {"commit", kCommit}};
  if (flags.json) {
    fmt::print("{}\n", json.dump(2));
    return {};
  }
  const auto line = [](const char* what, const auto& values) {
    const Json p = Percentiles(values);
    fmt::print("  {:<38} p50 {:6.2f}  p95 {:6.2f}  p99 {:6.2f}  p99.9 {:6.2f} ms\n", what,
               p["p50"].get<double>(), p["p95"].get<double>(), p["p99"].get<double>(),
               p["p99_9"].get<double>());
  };
  fmt::print("{} calls for {} s: {} turns\n", flags.calls, flags.seconds, measured.turns);
  line("end of speech decided -> first audio", measured.first_audio);
  line("last sound -> first audio", measured.voice_to_voice);
  line("  pause before the end is decided", measured.pause);
  line("  then words", measured.words);
  line("  then meaning and action", measured.meaning);
  line("  then voice", measured.voice);
  line("a step, by the clock", measured.step_ms);
  line("a step, of a processor", measured.step_cpu_ms);
  if (flags.slow_calls > 0) {
    fmt::print("  beside {} slow calls ({} turns, {} late frames of {}):\n", flags.slow_calls,
               results.slow.turns, results.slow.late_frames, results.slow.frames);
    line("a step of theirs, of a processor", results.slow.step_cpu_ms);
  }
  fmt::print(
      "  cut off {}, late frames {} of {}, {:.2f} cores, {} threads, {:.0f} MB\n  highest number of calls "
      "without "
      "a late frame: {}\n",
      measured.false_cutoffs, measured.late_frames, measured.frames, measured.cpu, measured.threads,
      measured.rss_mb, max_calls);
  return {};
}

}  // namespace

void RegisterBenchVoice(CLI::App& bench, CliContext& context) {
  CLI::App* command = bench.add_subcommand(
      "voice", "Simultaneous spoken calls in real time: latency, late frames, CPU, memory");
  auto flags = std::make_shared<BenchVoiceFlags>();
  flags->voice.AddTo(*command);
  command->add_option("--calls", flags->calls, "Simultaneous calls")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("--seconds", flags->seconds, "For how long")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  command->add_option("--drivers", flags->drivers, "Threads that step the calls")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command
      ->add_option("--slow-calls", flags->slow_calls,
                   "As many more with stand-ins for ears, brain and voice that take their time")
      ->check(CLI::Range(0, 4096));
  command->add_option("--brain-takes", flags->brain_takes_ms, "So many ms, in slow calls")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  command
      ->add_option("--recognizer-takes", flags->recognizer_takes_ms,
                   "So many ms after the end of speech, in slow calls")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  command->add_option("--search-seconds", flags->search_seconds, "For how long each number is tried")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  command->add_option("--search-limit", flags->search_limit, "The highest number that is tried")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_flag("--no-search", flags->no_search,
                    "Do not look for the highest number of calls without a late frame");
  command->add_flag("--plain-endpointing", flags->plain_endpointing,
                    "Tell voice from noise without the neural detector");
  command->add_flag("--json", flags->json, "For machines");
  command->footer(
      "Example:\n  sotto bench voice --workflow workflows/banking --calls 10 --seconds 30 --json\n"
      "  sotto bench voice --workflow workflows/banking --calls 10 --slow-calls 200 --no-search");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
