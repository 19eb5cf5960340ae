// sotto bench serve: `sotto serve` under load, as programs and telephones see it, over real sockets.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "base/unique_id.h"
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/demo_script.h"
#include "cli/percentile.h"
#include "cli/process_usage.h"
#include "cli/served_load.h"
#include "core/turn_log.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct BenchServeFlags {
  std::string workflow;
  std::string recognizer;
  std::vector<int> clients{1, 16};
  std::vector<int> calls{10};
  std::string transport = "both";
  int text_seconds = 5;
  int rate = 1000;
  int seconds = 60;
  int threads = 2;
  bool journal = false;
  bool json = false;
};

Result<Json> TypeAll(const ServedProcess& server, const std::vector<DemoLine>& lines, int clients,
                     int seconds, int rate) {
  const SystemClock clock;
  const TimePoint began = clock.Now();
  const double cpu = server.cpu_seconds();
  std::vector<Result<TextRun>> runs(static_cast<size_t>(clients));
  std::vector<std::thread> threads;
  const Duration every = rate == 0 ? Duration(0) : Duration(std::chrono::seconds(1)) * clients / rate;
  for (auto& run : runs) {
    threads.emplace_back(
        [&] { run = TypeUntil({server.http_port()}, lines, began + std::chrono::seconds(seconds), every); });
  }
  for (std::thread& thread : threads) thread.join();
  const double wall = Milliseconds(clock.Now() - began) / 1000;
  TextRun all;
  for (auto& run : runs) {
    if (!run) return tl::unexpected(run.error());
    all.ms.insert(all.ms.end(), run->ms.begin(), run->ms.end());
    all.errors += run->errors;
  }
  return Json{{"clients", clients},
              {"asked_per_second", rate},
              {"cpu_ms_a_turn", (server.cpu_seconds() - cpu) * 1000 / static_cast<double>(all.ms.size())},
              {"turns_per_second", static_cast<double>(all.ms.size()) / wall},
              {"turn_ms", Percentiles(all.ms)},
              {"errors", all.errors},
              {"cpu", (server.cpu_seconds() - cpu) / wall},
              {"rss_mb", server.resident_mb()}};
}

// What the server wrote down of its turns.
struct Served {
  std::vector<double> first_audio;
  std::vector<double> voice_to_voice;
  std::vector<double> words;
  int64_t turns = 0;
  int64_t not_understood = 0;
  int64_t cut_off = 0;
  int64_t interrupted = 0;
  int64_t errors = 0;
};

Result<Served> ReadServed(const std::filesystem::path& file) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<TurnRecord> records, ReadTurnRecords(file));
  Served served;
  for (const TurnRecord& record : records) {
    served.errors += static_cast<int64_t>(record.errors.size());
    if (record.times.speech_end < 0) continue;
    ++served.turns;
    served.not_understood += record.outcome == TurnRecord::Outcome::kNotUnderstood;
    served.cut_off += record.cut_off;
    served.interrupted += record.interrupted;
    if (record.times.final_transcript >= 0)
      served.words.push_back(record.times.final_transcript - record.times.endpoint);
    if (record.times.first_audio < 0) continue;
    served.first_audio.push_back(record.EndpointToFirstAudioMs());
    served.voice_to_voice.push_back(record.VoiceToVoiceMs());
  }
  return served;
}

Result<Json> CallAll(const BenchServeFlags& flags, const std::vector<std::vector<Audio>>& people,
                     const std::string& transport, int calls) {
  const auto turns =
      std::filesystem::temp_directory_path() / fmt::format("sotto-bench-serve-{}.jsonl", UniqueId());
  // What the machine carries, not what a server lets in.
  std::vector<std::string> arguments{"--most-cpu",
                                     "0",
                                     "--most-late",
                                     "0",
                                     "--most-waiting",
                                     "0",
                                     "--workflow",
                                     flags.workflow,
                                     "--port",
                                     "0",
                                     "--audio-socket",
                                     "0",
                                     "--database",
                                     ":memory:",
                                     "--turns",
                                     turns.string(),
                                     "--drain",
                                     "0",
                                     "--most-calls",
                                     "4096",
                                     "--threads",
                                     std::to_string(flags.threads),
                                     "--ready-recognizers",
                                     std::to_string(std::min(calls, 1000))};
  if (!flags.recognizer.empty()) arguments.insert(arguments.end(), {"--recognizer", flags.recognizer});
  Noticed noticed;
  Json usage;
  double late = 0;
  {
    SOTTO_ASSIGN_OR_RETURN(const auto server, ServedProcess::Start(arguments));
    std::this_thread::sleep_for(std::chrono::seconds(3));  // fixed sentences are being synthesised
    const double idle_mb = server->resident_mb();
    const double cpu = server->cpu_seconds();
    const double own_cpu = CpuSeconds();
    const SystemClock clock;
    const TimePoint began = clock.Now();
    IoThreads io(1);
    noticed = CallOnLines(people, DialOver(transport, io, *server), calls, flags.seconds);
    const double wall = Milliseconds(clock.Now() - began) / 1000;
    SOTTO_ASSIGN_OR_RETURN(late, MetricOf({server->http_port()}, "sotto_late_frames_total"));
    usage = {{"cpu", (server->cpu_seconds() - cpu) / wall},
             {"callers_cpu", (CpuSeconds() - own_cpu) / wall},
             {"idle_mb", idle_mb},
             {"rss_mb", server->resident_mb()},
             {"mb_a_call", (server->resident_mb() - idle_mb) / calls},
             {"threads", server->threads()}};
  }
  const auto served = ReadServed(turns);
  std::error_code ignored;
  std::filesystem::remove(turns, ignored);
  if (!served) return tl::unexpected(served.error());
  Json result = {{"transport", transport},
                 {"calls", calls},
                 {"seconds", flags.seconds},
                 {"turns", served->turns},
                 {"finished_calls", noticed.finished_calls},
                 {"first_audio_ms", Percentiles(served->first_audio)},
                 {"voice_to_voice_ms", Percentiles(served->voice_to_voice)},
                 {"words_ms", Percentiles(served->words)},
                 {"heard_after_ms", Percentiles(noticed.waited)},
                 {"late_frames", late},
                 {"packets", noticed.packets},
                 {"late_packets", noticed.late_packets},
                 {"longest_gap_ms", noticed.longest_gap_ms},
                 {"unanswered", noticed.unanswered},
                 {"not_understood", served->not_understood},
                 {"cut_off", served->cut_off},
                 {"interrupted", served->interrupted},
                 {"errors", served->errors}};
  result.update(usage);
  return result;
}

double P(const Json& percentiles, const char* which) { return percentiles[which].get<double>(); }

void PrintText(const Json& run) {
  const Json& ms = run["turn_ms"];
  fmt::print(
      "  {:>3} clients{:<12} {:7.0f} turns/s   p50 {:6.2f}  p95 {:6.2f}  p99 {:6.2f} ms   {:.2f} cores, "
      "{:.2f} ms of "
      "one a turn, {} errors\n",
      run["clients"].get<int>(),
      run["asked_per_second"] == 0 ? "" : fmt::format(", {}/s", run["asked_per_second"].get<int>()),
      run["turns_per_second"].get<double>(), P(ms, "p50"), P(ms, "p95"), P(ms, "p99"),
      run["cpu"].get<double>(), run["cpu_ms_a_turn"].get<double>(), run["errors"].get<int64_t>());
}

void PrintCalls(const Json& run) {
  fmt::print("{} calls over {} for {} s: {} turns, {} not understood, {} cut off, {} unanswered, {} errors\n",
             run["calls"].get<int>(), run["transport"].get<std::string>(), run["seconds"].get<int>(),
             run["turns"].get<int64_t>(), run["not_understood"].get<int64_t>(), run["cut_off"].get<int64_t>(),
             run["unanswered"].get<int64_t>(), run["errors"].get<int64_t>());
  const auto line = [&](const char* what, const char* key) {
    fmt::print("  {:<44} p50 {:6.0f}  p95 {:6.0f}  p99 {:6.0f} ms\n", what, P(run[key], "p50"),
               P(run[key], "p95"), P(run[key], "p99"));
  };
  line("end of speech decided -> first audio", "first_audio_ms");
  line("end of speech decided -> words", "words_ms");
  line("last voiced frame -> first audio", "voice_to_voice_ms");
  line("end of the recording -> sound at the caller", "heard_after_ms");
  fmt::print(
      "  late frames {:.0f}; late at the caller {} of {} packets (longest gap {:.0f} ms)\n"
      "  {:.2f} cores (callers {:.2f}), {:.0f} MB, {:.1f} MB a call, {} threads\n",
      run["late_frames"].get<double>(), run["late_packets"].get<int64_t>(), run["packets"].get<int64_t>(),
      run["longest_gap_ms"].get<double>(), run["cpu"].get<double>(), run["callers_cpu"].get<double>(),
      run["rss_mb"].get<double>(), run["mb_a_call"].get<double>(), run["threads"].get<int>());
}

Result<Json> BenchText(const BenchServeFlags& flags, const std::vector<DemoLine>& lines) {
  Json runs = Json::array();
  if (flags.text_seconds == 0) return runs;
  const auto journal =
      std::filesystem::temp_directory_path() / fmt::format("sotto-bench-serve-{}.db", UniqueId());
  std::vector<std::string> arguments{"--most-waiting",
                                     "0",
                                     "--workflow",
                                     flags.workflow,
                                     "--port",
                                     "0",
                                     "--database",
                                     ":memory:",
                                     "--text-only",
                                     "--drain",
                                     "0",
                                     "--threads",
                                     std::to_string(flags.threads)};
  if (flags.journal) arguments.insert(arguments.end(), {"--db", journal.string()});
  const auto removed = [&](const std::filesystem::path* path) {
    std::error_code ignored;
    for (const char* tail : {"", "-wal", "-shm"}) std::filesystem::remove(path->string() + tail, ignored);
  };
  const std::unique_ptr<const std::filesystem::path, decltype(removed)> remove(&journal, removed);
  SOTTO_ASSIGN_OR_RETURN(const auto server, ServedProcess::Start(arguments));
  SOTTO_RETURN_IF_ERROR(TypeAll(*server, lines, 4, 1, 0));  // warm-up
  const auto add = [&](int clients, int rate) -> Result<void> {
    SOTTO_ASSIGN_OR_RETURN(Json run, TypeAll(*server, lines, clients, flags.text_seconds, rate));
    if (!flags.json) PrintText(run);
    runs.push_back(std::move(run));
    return {};
  };
  for (const int clients : flags.clients) SOTTO_RETURN_IF_ERROR(add(clients, 0));
  if (flags.rate > 0)
    SOTTO_RETURN_IF_ERROR(add(*std::max_element(flags.clients.begin(), flags.clients.end()), flags.rate));
  return runs;
}

Result<Json> BenchCalls(const BenchServeFlags& flags, const std::vector<DemoLine>& lines) {
  SOTTO_ASSIGN_OR_RETURN(const auto people, PeopleWhoSay(lines));
  Json runs = Json::array();
  for (const int calls : flags.calls) {
    for (const char* transport : {"websocket", "audio-socket"}) {
      if (calls == 0 || (flags.transport != "both" && flags.transport != transport)) continue;
      SOTTO_ASSIGN_OR_RETURN(Json run, CallAll(flags, people, transport, calls));
      if (!flags.json) PrintCalls(run);
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

Result<void> Run(const BenchServeFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadWorkflow(flags.workflow));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<DemoLine> lines, ReadDemoScript(*workflow, {}));
  SOTTO_ASSIGN_OR_RETURN(const Json text, BenchText(flags, lines));
  SOTTO_ASSIGN_OR_RETURN(const Json calls, BenchCalls(flags, lines));
  if (!flags.json) return {};
  const Json json = {{"text", text},
                     {"calls", calls},
                     {"recognizer", flags.recognizer},
                     {"cores", std::thread::hardware_concurrency()},
                     {"commit", kCommit}};
  fmt::print("{}\n", json.dump(2));
  return {};
}

}  // namespace

void RegisterBenchServe(CLI::App& bench, CliContext& context) {
  CLI::App* command = bench.add_subcommand(
      "serve", "`sotto serve` over real sockets: written turns a second, simultaneous calls, CPU, memory");
  auto flags = std::make_shared<BenchServeFlags>();
  command->add_option("--workflow", flags->workflow, "Folder of the workflow")
      ->required()
      ->envname("SOTTO_WORKFLOW");
  command->add_option("--recognizer", flags->recognizer, "See `sotto talk --help`")
      ->envname("SOTTO_RECOGNIZER");
  command->add_option("--clients", flags->clients, "Who type at the same time, each number in turn")
      ->delimiter(',')
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--text-seconds", flags->text_seconds, "For how long each; 0: nobody types")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  command
      ->add_option("--rate", flags->rate,
                   "Turns a second, asked for by the most clients in a last run; 0: none")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command->add_option("--calls", flags->calls, "Simultaneous calls, each number in turn; 0: none")
      ->delimiter(',')
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command->add_option("--seconds", flags->seconds, "For how long each")
      ->check(CLI::Range(5, 36000))
      ->capture_default_str();
  command->add_option("--transport", flags->transport, "Of calls")
      ->check(CLI::IsMember({"websocket", "audio-socket", "both"}))
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "Threads that the server's models compute on")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_flag("--journal", flags->journal,
                    "Written conversations are kept: each turn is synced to the disk before it is answered");
  command->add_flag("--json", flags->json, "For machines");
  command->footer(
      "Example:\n  sotto bench serve --workflow workflows/banking --calls 10,20,40 --seconds 60\n"
      "The callers run on the same machine; what they cost is stated.");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
