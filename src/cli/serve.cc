// sotto serve: the assistant for telephones, browsers and programs.
#include <signal.h>

#include <algorithm>
#include <thread>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/open_actions.h"
#include "cli/serve_workflows.h"
#include "core/turn_log.h"
#include "server/server.h"

namespace sotto {
namespace {

struct Flags {
  ServeFlags workflows;
  ServerOptions server;
  std::string config;
  std::string sessions;  // file
  std::string turns;     // file
  std::string keys;
  int port = 8080;
  int audio_socket = -1;  // port; -1: none
  std::string audio_socket_workflow;
  int most_calls = 200;
  int most_sessions = 10000;
  int drain_s = 30;
  bool no_page = false;
};

// Signals are waited for, not handled: no thread is interrupted.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

Result<void> Run(Flags& flags) {
  if (flags.workflows.workflows.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "serve needs --workflow DIR, or `workflow:` in sotto.yaml");
  }
  const sigset_t signals = BlockSignals();
  const SystemClock clock;
  std::unique_ptr<SessionStore> store;
  if (!flags.sessions.empty()) {
    SOTTO_ASSIGN_OR_RETURN(store, SessionStore::Open(flags.sessions));
  }
  std::unique_ptr<TurnLog> turns;
  if (!flags.turns.empty()) {
    SOTTO_ASSIGN_OR_RETURN(turns, TurnLog::Open(flags.turns));
  }
  std::optional<Journal> journal;
  const int cores = std::max(2, static_cast<int>(std::thread::hardware_concurrency()));
  Scheduler scheduler(clock, {.threads = cores});
  if (store != nullptr) journal.emplace(*store, scheduler);
  const ServeShared shared{&scheduler, scheduler.NewStrand(Scheduler::Order::kUrgency),
                           std::make_shared<SharedTeam>(static_cast<size_t>(flags.workflows.threads))};
  flags.server.http.port = static_cast<uint16_t>(flags.port);
  flags.server.access.keys = flags.keys;
  flags.server.calls.most = static_cast<size_t>(flags.most_calls);
  flags.server.sessions.most = static_cast<size_t>(flags.most_sessions);
  flags.server.page = !flags.no_page;
  if (flags.audio_socket >= 0) {
    flags.server.audio_socket.emplace();
    flags.server.audio_socket->address = flags.server.http.address;
    flags.server.audio_socket->port = static_cast<uint16_t>(flags.audio_socket);
    flags.server.audio_socket->workflow = flags.audio_socket_workflow;
  }
  // Nobody asks for a key on the loopback of one's own machine; there the demo's customer calls, as in
  // `sotto talk`.
  if (flags.workflows.customer == "-") flags.workflows.customer = flags.keys.empty() ? kDemoCustomer : "";
  SOTTO_ASSIGN_OR_RETURN(
      const auto server,
      Server::Start({&clock, &scheduler, journal ? &*journal : nullptr, turns.get()}, flags.server,
                    [&] { return OpenServedWorkflows(flags.workflows, shared); }));
  fmt::print("Sotto is at {}\n", server->url());
  if (server->audio_socket_port() != 0) {
    fmt::print("AudioSocket is at {}:{}\n", flags.server.http.address, server->audio_socket_port());
  }
  std::fflush(stdout);
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    const auto reloaded = server->Reload();
    fmt::print(stderr, "sotto: {}\n", reloaded ? "reloaded" : "not reloaded: " + reloaded.error().message);
  }
  fmt::print(stderr, "sotto: stopping; calls have {} s to end\n", flags.drain_s);
  server->Drain(std::chrono::seconds(flags.drain_s));
  return {};
}

void AddLimits(CLI::App& command, Flags& flags) {
  command.add_option("--most-calls", flags.most_calls, "Calls at once; more are told that lines are busy")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--most-sessions", flags.most_sessions, "Written sessions at once")
      ->check(CLI::Range(1, 10000000))
      ->capture_default_str();
  command.add_option("--drain", flags.drain_s, "Seconds that calls have to end when the server is stopped")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  command.add_option("--threads", flags.workflows.threads, "Threads that models compute on, all together")
      ->check(CLI::Range(1, 64))
      ->envname("SOTTO_THREADS")
      ->capture_default_str();
  command
      .add_option("--ready-recognizers", flags.workflows.ready_recognizers,
                  "Callers of each workflow who never wait for a recognizer to start")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
}

void AddSecurity(CLI::App& command, Flags& flags) {
  command.add_option("--keys", flags.keys, "File of API keys (`sotto keys`); without it nobody needs one")
      ->envname("SOTTO_KEYS");
  command.add_option("--certificate", flags.server.http.certificate, "TLS: certificate chain, PEM");
  command.add_option("--certificate-key", flags.server.http.certificate_key, "TLS: its key, PEM");
  command.add_option("--origin", flags.server.access.origins,
                     "Origin of pages elsewhere that may ask: https://shop.example");
  command.add_option("--host", flags.server.access.hosts,
                     "Name under which browsers reach this machine, where there are no keys");
}

}  // namespace

void RegisterServe(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("serve", "Serve workflows to telephones, browsers and programs");
  auto flags = std::make_shared<Flags>();
  flags->workflows.customer = "-";
  command->add_option("--workflow", flags->workflows.workflows, "Folder of a workflow; several")
      ->envname("SOTTO_WORKFLOW");
  command->add_option("--config", flags->config, "Options that are not given here; default: sotto.yaml")
      ->envname("SOTTO_CONFIG");
  command->add_option("--address", flags->server.http.address, "Where to listen; 0.0.0.0: everywhere")
      ->envname("SOTTO_ADDRESS")
      ->capture_default_str();
  command->add_option("--port", flags->port, "Port of HTTP and WebSocket; 0: any free one")
      ->check(CLI::Range(0, 65535))
      ->envname("SOTTO_PORT")
      ->capture_default_str();
  command->add_option("--audiosocket", flags->audio_socket,
                      "Port of Asterisk's AudioSocket, which asks nobody who they are; default: none")
      ->check(CLI::Range(0, 65535));
  command->add_option("--audiosocket-workflow", flags->audio_socket_workflow,
                      "Name of the workflow that answers there; default: the first");
  command->add_option("--recognizer", flags->workflows.recognizer, "See `sotto talk --help`")
      ->envname("SOTTO_RECOGNIZER");
  command->add_option("--synthesizer", flags->workflows.synthesizer, "See `sotto talk --help`")
      ->envname("SOTTO_SYNTHESIZER")
      ->capture_default_str();
  command->add_flag("--text-only", flags->workflows.text_only, "No ears and no mouth");
  command->add_flag("--no-page", flags->no_page, "Do not serve the page");
  AddDatabaseOption(*command, flags->workflows.database);
  command->add_option("--customer", flags->workflows.customer,
                      "Who is calling, where nobody says so: a customer's id; '' for somebody unknown. "
                      "Default: with --keys nobody, else the demo's")
      ->envname("SOTTO_CUSTOMER");
  command->add_option("--db", flags->sessions, "Where conversations are kept, to be continued");
  command->add_option("--turns", flags->turns, "Append the record of each turn to this file, one a line");
  AddSecurity(*command, *flags);
  AddLimits(*command, *flags);
  command->footer(
      "Example:\n  sotto serve --workflow workflows/banking --workflow workflows/telecom --port 8080\n"
      "SIGHUP reads workflows, keys and certificate again; SIGTERM lets calls end.");
  command->callback([command, flags, &context] {
    if (auto config = ApplyConfigFile(*command, flags->config); !config) return context.Fail(config.error());
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
