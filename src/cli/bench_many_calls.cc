// sotto bench many-calls: whether a server that has had many calls needs more memory than one that has had few.
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/unique_id.h"
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/percentile.h"
#include "cli/served_load.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct ManyCallsFlags {
  std::string workflow;
  std::string recognizer;
  int calls = 1000;
  int at_once = 16;
  int sessions = 1000;
  bool json = false;
};

constexpr std::chrono::seconds kGreetsWithin{20};
constexpr int kLooks = 10;

// Dials, hears the first sound of the greeting, says a moment of nothing, hangs up.
Result<void> ShortCall(const ScriptedCaller::Dial& dial) {
  struct Heard {
    std::mutex mutex;
    std::condition_variable changed;
    bool greeted = false;
    bool over = false;
    std::string why;
  };
  const auto heard = std::make_shared<Heard>();
  const auto line = dial({.on_audio =
                              [heard](std::span<const float>) {
                                const std::lock_guard lock(heard->mutex);
                                heard->greeted = true;
                                heard->changed.notify_all();
                              },
                          .on_event = {},
                          .on_end =
                              [heard](std::string_view reason) {
                                const std::lock_guard lock(heard->mutex);
                                heard->over = true;
                                heard->why = reason;
                                heard->changed.notify_all();
                              }});
  std::unique_lock lock(heard->mutex);
  if (!heard->changed.wait_for(lock, kGreetsWithin, [&] { return heard->greeted || heard->over; }))
    return MakeError(ErrorCode::kTimeout, "a call heard nothing for {} s", kGreetsWithin.count());
  if (!heard->greeted) return MakeError(ErrorCode::kUnavailable, "a call was not taken: {}", heard->why);
  lock.unlock();
  const std::vector<float> silence(2 * kFrameSamples);
  line->Send(silence);
  line->HangUp();
  lock.lock();
  heard->changed.wait_for(lock, kGreetsWithin, [&] { return heard->over; });
  return {};
}

// So many, on a few lines at a time. The first error ends it.
Result<void> ShortCalls(const std::vector<ScriptedCaller::Dial>& dials, int calls, int at_once) {
  std::mutex mutex;
  int left = calls;     // guarded by mutex
  Result<void> result;  // guarded by mutex
  std::vector<std::thread> threads;
  for (int i = 0; i < at_once; ++i) {
    threads.emplace_back([&, i] {
      const ScriptedCaller::Dial& dial = dials[static_cast<size_t>(i) % dials.size()];
      while (true) {
        {
          const std::lock_guard lock(mutex);
          if (!result || left == 0) return;
          --left;
        }
        if (const auto done = ShortCall(dial); !done) {
          const std::lock_guard lock(mutex);
          result = done;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return result;
}

Result<void> ShortSessions(uint16_t port, int sessions) {
  SOTTO_ASSIGN_OR_RETURN(LoadConnection connection, LoadConnection::Open(port));
  for (int i = 0; i < sessions; ++i) {
    SOTTO_ASSIGN_OR_RETURN(const auto begun, connection.Ask("POST", "/v1/sessions", "{}"));
    if (begun.status != 201) return MakeError(ErrorCode::kUnavailable, "no session: {}", begun.body);
    const std::string id = Json::parse(begun.body)["id"];
    SOTTO_RETURN_IF_ERROR(
        connection.Ask("POST", "/v1/sessions/" + id + "/turns", R"({"text": "what is my balance"})"));
    SOTTO_RETURN_IF_ERROR(connection.Ask("DELETE", "/v1/sessions/" + id));
  }
  return {};
}

Result<void> Run(const ManyCallsFlags& flags) {
  std::vector<std::string> arguments{"--workflow",     flags.workflow,
                                     "--port",         "0",
                                     "--audio-socket", "0",
                                     "--database",     ":memory:",
                                     "--drain",        "0",
                                     "--most-cpu",     "0",
                                     "--most-late",    "0",
                                     "--most-waiting", "0"};
  if (!flags.recognizer.empty()) arguments.insert(arguments.end(), {"--recognizer", flags.recognizer});
  SOTTO_ASSIGN_OR_RETURN(const auto server, ServedProcess::Start(arguments));
  IoThreads io(1);
  const std::vector<ScriptedCaller::Dial> dials{DialOver("websocket", io, *server),
                                                DialOver("audio-socket", io, *server)};
  // What is made once is made now: recognisers, sentences, threads.
  SOTTO_RETURN_IF_ERROR(ShortCalls(dials, std::max(4 * flags.at_once, flags.calls / kLooks), flags.at_once));
  SOTTO_RETURN_IF_ERROR(ShortSessions(server->http_port(), std::max(1, flags.sessions / kLooks)));
  std::vector<double> mb{server->resident_mb()};
  const SystemClock clock;
  const TimePoint began = clock.Now();
  for (int look = 0; look < kLooks; ++look) {
    if (flags.calls > 0) SOTTO_RETURN_IF_ERROR(ShortCalls(dials, flags.calls / kLooks, flags.at_once));
    if (flags.sessions > 0)
      SOTTO_RETURN_IF_ERROR(ShortSessions(server->http_port(), flags.sessions / kLooks));
    mb.push_back(server->resident_mb());
    if (!flags.json)
      fmt::print("{:>6} calls, {:>6} sessions: {:.1f} MB\n", (look + 1) * (flags.calls / kLooks),
                 (look + 1) * (flags.sessions / kLooks), mb.back());
    std::fflush(stdout);
  }
  const double seconds = Milliseconds(clock.Now() - began) / 1000;
  const double growth = mb.back() - mb[mb.size() / 2];
  const int half = (flags.calls + flags.sessions) / 2;
  if (flags.json) {
    fmt::print("{}\n", Json{{"calls", flags.calls},
                            {"sessions", flags.sessions},
                            {"seconds", seconds},
                            {"rss_mb", mb},
                            {"kb_a_call_in_the_second_half", half > 0 ? growth * 1024 / half : 0},
                            {"threads", server->threads()},
                            {"commit", kCommit}}
                           .dump(2));
  } else {
    fmt::print(
        "{:.1f} MB after the first calls, {:.1f} at the end; second half {:+.2f} kB a call; {:.0f} s, {} "
        "threads\n",
        mb.front(), mb.back(), half > 0 ? growth * 1024 / half : 0, seconds, server->threads());
  }
  return {};
}

}  // namespace

void RegisterBenchManyCalls(CLI::App& bench, CliContext& context) {
  CLI::App* command = bench.add_subcommand(
      "many-calls",
      "Memory of a `sotto serve` over many short calls and written sessions, one after the other");
  auto flags = std::make_shared<ManyCallsFlags>();
  command->add_option("--workflow", flags->workflow, "Folder of the workflow")
      ->required()
      ->envname("SOTTO_WORKFLOW");
  command->add_option("--recognizer", flags->recognizer, "See `sotto talk --help`")
      ->envname("SOTTO_RECOGNIZER");
  command->add_option("--calls", flags->calls, "Each hears the first sound of the greeting and hangs up")
      ->check(CLI::Range(0, 10'000'000))
      ->capture_default_str();
  command->add_option("--at-once", flags->at_once, "Lines, half of them over AudioSocket")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  command->add_option("--sessions", flags->sessions, "Written ones, of one turn each")
      ->check(CLI::Range(0, 10'000'000))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "For machines");
  command->footer("Example:\n  sotto bench many-calls --workflow workflows/banking --calls 10000");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
