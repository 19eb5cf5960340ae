// sotto bench soak: hours of calls on a fast clock: does memory stay flat, is every turn answered?
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/demo_script.h"
#include "cli/process_usage.h"
#include "cli/progress.h"
#include "cli/recorded_caller.h"
#include "cli/voice_terminal.h"

namespace sotto {
namespace {

struct SoakFlags {
  VoiceFlags voice;
  double hours = 1;
  bool json = false;
};

struct Usage {
  double rss_mb = 0;
  int threads = 0;
};

struct Soak {
  double seconds = 0;  // of calls
  int64_t calls = 0;
  int64_t turns = 0;
  int64_t turns_without_reply = 0;
  int64_t errors = 0;
  // After a tenth of the time, when caches are filled and pools have grown, and at the end.
  Usage early, late;
};

Usage UsageNow() { return {ResidentMb(), ThreadCount()}; }

// Calls one after the other, each with the next voice; every fifth caller falls silent in the middle.
Result<Soak> RunSoak(const SoakFlags& flags, VoiceTerminal& terminal) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<DemoLine> lines, ReadDemoScript(terminal.workflow(), {}));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<SpokenLines> callers, RecordCallers(lines));
  ProgressBar progress("Calling");
  Soak soak;
  const double wanted = flags.hours * 3600;
  while (soak.seconds < wanted) {
    auto recordings = callers[static_cast<size_t>(soak.calls) % callers.size()];
    if (soak.calls % 5 == 4) recordings.resize((recordings.size() + 1) / 2);
    RecordedCaller caller(std::move(recordings));
    VoiceOptions voice = terminal.NextOptions();
    VoiceSession::Callbacks callbacks;
    callbacks.on_turn = [&](const TurnRecord& record) {
      ++soak.turns;
      soak.turns_without_reply += record.reply.text.empty() || record.times.first_audio < 0;
      soak.errors += static_cast<int64_t>(record.errors.size());
    };
    CallOptions options;
    options.fast = true;
    SOTTO_ASSIGN_OR_RETURN(const CallResult call,
                           RunCall(terminal, caller, options, std::move(voice), std::move(callbacks)));
    soak.seconds += call.seconds;
    ++soak.calls;
    if (soak.early.threads == 0 && soak.seconds >= wanted / 10) soak.early = UsageNow();
    progress.Update(static_cast<size_t>(soak.seconds), static_cast<size_t>(wanted),
                    fmt::format("{} turns, {:.0f} MB", soak.turns, ResidentMb()));
  }
  soak.late = UsageNow();
  return soak;
}

Result<void> Run(const SoakFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto terminal, VoiceTerminal::Open(flags.voice, false));
  SOTTO_ASSIGN_OR_RETURN(const Soak soak, RunSoak(flags, *terminal));
  const auto usage = [](const Usage& at) { return Json{{"rss_mb", at.rss_mb}, {"threads", at.threads}}; };
  if (flags.json) {
    const Json json = {{"hours", soak.seconds / 3600},
                       {"calls", soak.calls},
                       {"turns", soak.turns},
                       {"turns_without_reply", soak.turns_without_reply},
                       {"errors", soak.errors},
                       {"after_a_tenth", usage(soak.early)},
                       {"at_the_end", usage(soak.late)},
                       {"commit", kCommit}};
    fmt::print("{}\n", json.dump(2));
    return {};
  }
  fmt::print(
      "{:.2f} hours, {} calls, {} turns, {} without a reply, {} errors\n"
      "  after a tenth {:.1f} MB, {} threads; at the end {:.1f} MB, {} threads\n",
      soak.seconds / 3600, soak.calls, soak.turns, soak.turns_without_reply, soak.errors, soak.early.rss_mb,
      soak.early.threads, soak.late.rss_mb, soak.late.threads);
  return {};
}

}  // namespace

void RegisterBenchSoak(CLI::App& bench, CliContext& context) {
  CLI::App* command = bench.add_subcommand(
      "soak", "Hours of spoken calls as fast as the machine can: memory, threads, replies");
  auto flags = std::make_shared<SoakFlags>();
  flags->voice.AddTo(*command);
  command->add_option("--hours", flags->hours, "Of simulated calls")
      ->check(CLI::Range(0.01, 1000.0))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "For machines");
  command->footer("Example:\n  sotto bench soak --workflow workflows/banking --hours 10 --json");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
