// sotto bench hostile: whether honest callers notice those who mean harm.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "base/unique_id.h"
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/hostile_load.h"
#include "cli/percentile.h"
#include "cli/served_load.h"
#include "server/access.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

constexpr const char* kTwilioToken = "hostile-bench-auth-token";
constexpr const char* kPublicUrl = "https://voice.example";
// Memory is flat where the last quarter has no more than this above the second.
constexpr double kFlatShare = 1.05;
constexpr double kFlatMb = 8;

struct BenchHostileFlags {
  std::string workflow;
  std::string recognizer;
  int seconds = 300;
  int quiet_seconds = 30;
  int calls = 4;
  int typing = 4;
  int rate = 40;
  int pause_ms = 5;
  uint64_t seed = 1;
  bool json = false;
};

// What honest people noticed while a phase lasted.
struct HonestPhase {
  TextRun text;
  std::string text_error;  // empty: none
  Noticed calls;
  std::vector<double> rss_mb;
};

HonestPhase RunHonest(const BenchHostileFlags& flags, const ServedProcess& server, const std::string& key,
                      const std::vector<DemoLine>& lines, const std::vector<std::vector<Audio>>& people,
                      int seconds) {
  const SystemClock clock;
  const TimePoint until = clock.Now() + std::chrono::seconds(seconds);
  const LoadTarget target{server.http_port(), fmt::format("Authorization: Bearer {}\r\n", key)};
  const Duration every = Duration(std::chrono::seconds(1)) * flags.typing / flags.rate;
  std::vector<Result<TextRun>> runs(static_cast<size_t>(flags.typing));
  HonestPhase phase;
  std::vector<std::thread> threads;
  for (auto& run : runs) threads.emplace_back([&] { run = TypeUntil(target, lines, until, every); });
  Noticed by_socket;
  threads.emplace_back([&] {
    while (clock.Now() < until && server.alive()) {
      phase.rss_mb.push_back(server.resident_mb());
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
  });
  {
    IoThreads io(1);
    const int half = flags.calls / 2;
    std::thread telephones([&] {
      if (half > 0) by_socket = CallOnLines(people, DialOver("audio-socket", io, server), half, seconds);
    });
    if (flags.calls > half)
      phase.calls = CallOnLines(people, DialOver("websocket", io, server, key), flags.calls - half, seconds);
    telephones.join();
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& run : runs) {
    if (!run) {
      phase.text_error = run.error().message;
      continue;
    }
    phase.text.ms.insert(phase.text.ms.end(), run->ms.begin(), run->ms.end());
    phase.text.errors += run->errors;
  }
  phase.calls.waited.insert(phase.calls.waited.end(), by_socket.waited.begin(), by_socket.waited.end());
  phase.calls.finished_calls += by_socket.finished_calls;
  phase.calls.unanswered += by_socket.unanswered;
  phase.calls.packets += by_socket.packets;
  phase.calls.late_packets += by_socket.late_packets;
  phase.calls.longest_gap_ms = std::max(phase.calls.longest_gap_ms, by_socket.longest_gap_ms);
  return phase;
}

double QuarterMb(const std::vector<double>& rss, size_t quarter) {
  const size_t size = rss.size() / 4;
  if (size == 0) return rss.empty() ? 0 : rss.back();
  const auto begin = rss.begin() + static_cast<std::ptrdiff_t>(quarter * size);
  return Percentile({begin, begin + static_cast<std::ptrdiff_t>(size)}, 0.5);
}

Json ToJson(const HonestPhase& phase) {
  return {{"turns", phase.text.ms.size()},
          {"turn_ms", Percentiles(phase.text.ms)},
          {"turn_errors", phase.text.errors},
          {"typing_failed", phase.text_error},
          {"finished_calls", phase.calls.finished_calls},
          {"unanswered", phase.calls.unanswered},
          {"heard_after_ms", Percentiles(phase.calls.waited)},
          {"packets", phase.calls.packets},
          {"late_packets", phase.calls.late_packets},
          {"longest_gap_ms", phase.calls.longest_gap_ms},
          {"rss_mb",
           {QuarterMb(phase.rss_mb, 0), QuarterMb(phase.rss_mb, 1), QuarterMb(phase.rss_mb, 2),
            QuarterMb(phase.rss_mb, 3)}}};
}

void PrintPhase(const char* name, const Json& phase) {
  fmt::print("{}: {} turns, p50 {:.1f}, p99 {:.1f} ms, {} errors{}\n", name, phase["turns"].get<int64_t>(),
             phase["turn_ms"]["p50"].get<double>(), phase["turn_ms"]["p99"].get<double>(),
             phase["turn_errors"].get<int64_t>(),
             phase["typing_failed"] == "" ? "" : "; " + phase["typing_failed"].get<std::string>());
  fmt::print(
      "  calls: {} to their end, {} sentences unanswered, sound p50 {:.0f}, p95 {:.0f} ms after them, {} of "
      "{} packets "
      "late (longest gap {:.0f} ms)\n  memory by quarters: {:.1f}, {:.1f}, {:.1f}, {:.1f} MB\n",
      phase["finished_calls"].get<int64_t>(), phase["unanswered"].get<int64_t>(),
      phase["heard_after_ms"]["p50"].get<double>(), phase["heard_after_ms"]["p95"].get<double>(),
      phase["late_packets"].get<int64_t>(), phase["packets"].get<int64_t>(),
      phase["longest_gap_ms"].get<double>(), phase["rss_mb"][0].get<double>(),
      phase["rss_mb"][1].get<double>(), phase["rss_mb"][2].get<double>(), phase["rss_mb"][3].get<double>());
}

// Keys and the telephone network's token, in a folder that goes with it.
class BenchSecrets {
 public:
  static Result<std::unique_ptr<BenchSecrets>> Make() {
    std::unique_ptr<BenchSecrets> made(new BenchSecrets);
    std::filesystem::create_directory(made->folder_);
    KeyFile keys;
    SOTTO_ASSIGN_OR_RETURN(made->key_, keys.Add({.name = "honest",
                                                 .scopes = {scope::kTalk, scope::kMetrics},
                                                 .per_minute = 100'000'000,
                                                 .at_once = 1'000'000}));
    // Those who mean harm have a key of their own: what it may is bounded, as any client's should be.
    SOTTO_ASSIGN_OR_RETURN(
        made->hostile_key_,
        keys.Add({.name = "hostile", .scopes = {scope::kTalk}, .per_minute = 60'000, .at_once = 20}));
    SOTTO_RETURN_IF_ERROR(keys.Write(made->keys()));
    std::ofstream(made->twilio()) << kTwilioToken;
    return made;
  }
  ~BenchSecrets() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string keys() const { return (folder_ / "keys.json").string(); }
  std::string twilio() const { return (folder_ / "twilio").string(); }
  const std::string& key() const { return key_; }
  const std::string& hostile_key() const { return hostile_key_; }

 private:
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("sotto-bench-hostile-{}", UniqueId());
  std::string key_;
  std::string hostile_key_;
};

Result<void> Run(const BenchHostileFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadWorkflow(flags.workflow));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<DemoLine> lines, ReadDemoScript(*workflow, {}));
  SOTTO_ASSIGN_OR_RETURN(const auto people, PeopleWhoSay(lines));
  SOTTO_ASSIGN_OR_RETURN(const auto secrets, BenchSecrets::Make());
  std::vector<std::string> arguments{"--workflow",
                                     flags.workflow,
                                     "--port",
                                     "0",
                                     "--audio-socket",
                                     "0",
                                     "--wyoming",
                                     "0",
                                     "--database",
                                     ":memory:",
                                     "--drain",
                                     "0",
                                     "--keys",
                                     secrets->keys(),
                                     "--twilio-token-file",
                                     secrets->twilio(),
                                     "--public-url",
                                     kPublicUrl,
                                     "--customer",
                                     "1",
                                     "--most-cpu",
                                     "0",
                                     "--most-late",
                                     "0",
                                     "--most-waiting",
                                     "0"};
  if (!flags.recognizer.empty()) arguments.insert(arguments.end(), {"--recognizer", flags.recognizer});
  SOTTO_ASSIGN_OR_RETURN(const auto server, ServedProcess::Start(arguments));
  std::this_thread::sleep_for(std::chrono::seconds(3));  // fixed sentences are being synthesised
  const Json quiet = ToJson(RunHonest(flags, *server, secrets->key(), lines, people, flags.quiet_seconds));
  if (!flags.json) PrintPhase("before", quiet);
  HostileLoad hostile(
      {server->http_port(), server->audio_socket_port(), server->wyoming_port(), secrets->hostile_key(),
       kTwilioToken, kPublicUrl, std::chrono::milliseconds(flags.pause_ms)},
      flags.seed);
  const double cpu = server->cpu_seconds();
  const Json during = ToJson(RunHonest(flags, *server, secrets->key(), lines, people, flags.seconds));
  const double used = (server->cpu_seconds() - cpu) / flags.seconds;
  hostile.Stop();
  if (!server->alive()) return MakeError(ErrorCode::kCorrupt, "the server ended under hostile load");
  const Json attacks = hostile.counts();
  if (!flags.json) {
    PrintPhase("under attack", during);
    fmt::print("  {:.2f} cores; attacks: {}\n", used, attacks.dump());
  } else {
    fmt::print("{}\n", Json{{"before", quiet},
                            {"under_attack", during},
                            {"attacks", attacks},
                            {"cpu", used},
                            {"cores", std::thread::hardware_concurrency()},
                            {"commit", kCommit}}
                           .dump(2));
  }
  if (hostile.replays_accepted() > 0)
    return MakeError(ErrorCode::kCorrupt, "{} replayed or altered tokens were let in",
                     hostile.replays_accepted());
  if (during["turn_errors"] != 0 || during["typing_failed"] != "")
    return MakeError(ErrorCode::kUnavailable, "honest people who typed were refused: {} errors {}",
                     during["turn_errors"].get<int64_t>(), during["typing_failed"].get<std::string>());
  const double middle = during["rss_mb"][1];
  const double end = during["rss_mb"][3];
  if (end > middle * kFlatShare + kFlatMb)
    return MakeError(ErrorCode::kCorrupt, "memory grows: {:.1f} MB in the second quarter, {:.1f} in the last",
                     middle, end);
  return {};
}

}  // namespace

void RegisterBenchHostile(CLI::App& bench, CliContext& context) {
  CLI::App* command = bench.add_subcommand("hostile",
                                           "A `sotto serve` under attack (vanishing, garbage, half frames, "
                                           "floods, slow reads, replayed tokens, all at "
                                           "once) while honest people call and type: fails where it crashes, "
                                           "grows, refuses them or lets a used token in");
  auto flags = std::make_shared<BenchHostileFlags>();
  command->add_option("--workflow", flags->workflow, "Folder of the workflow")
      ->required()
      ->envname("SOTTO_WORKFLOW");
  command->add_option("--recognizer", flags->recognizer, "See `sotto talk --help`")
      ->envname("SOTTO_RECOGNIZER");
  command->add_option("--seconds", flags->seconds, "For how long it is attacked")
      ->check(CLI::Range(10, 36000))
      ->capture_default_str();
  command
      ->add_option("--quiet-seconds", flags->quiet_seconds, "For how long it is not, before: to compare with")
      ->check(CLI::Range(10, 3600))
      ->capture_default_str();
  command->add_option("--calls", flags->calls, "Honest calls at once, half of them over AudioSocket")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_option("--typing", flags->typing, "Honest people who type")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--rate", flags->rate, "Turns a second that these type together")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--pause-ms", flags->pause_ms, "Of each attacker between two attacks")
      ->check(CLI::Range(0, 60000))
      ->capture_default_str();
  command->add_option("--seed", flags->seed, "Of what attackers do")->capture_default_str();
  command->add_flag("--json", flags->json, "For machines");
  command->footer("Example:\n  sotto bench hostile --workflow workflows/banking --seconds 1800");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
