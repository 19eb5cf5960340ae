// sotto serve: the assistant for telephones, browsers and programs.
#include <signal.h>

#include <filesystem>
#include <sstream>

#include "action/actions.h"
#include "assistant/session_host.h"
#include "base/mapped_file.h"
#include "cli/action_options.h"
#include "cli/audit.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/served_versions.h"
#include "cli/server_commands.h"
#include "cli/turn_sink.h"
#include "flywheel/turn_store.h"
#include "nn/shared_team.h"
#include "server/carrier_signature.h"
#include "server/server.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

constexpr size_t kMostLabelItems = 2000;

struct ServeFlags {
  std::vector<std::string> workflows;
  DeploymentSources sources;  // of each of them
  HostOptions host;
  ServerOptions server;
  std::vector<std::string> audio_sockets;
  std::vector<std::string> wyoming;
  std::vector<std::string> models;
  std::vector<std::string> indexes;
  std::string twilio_token_file;
  std::string telnyx_key_file;
  std::string plivo_token_file;
  std::string webhook_secret_file;
  std::string traces_headers_file;
  std::string config;
  std::string database;
  std::string customer = "-";
  std::string keys;
  std::string registry;
  std::string audit;
  std::string audit_key_file;
  int threads = 2;
  int port = 8080;
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

ServedWorkflows::Open OpenWith(const ServeFlags& flags, const std::shared_ptr<SharedTeam>& team,
                               SessionHost& host, ServedVersions* versions) {
  return [&flags, &host, versions, team]() -> Result<std::vector<ServedWorkflowPtr>> {
    std::vector<ServedWorkflowPtr> opened;
    for (const std::string& folder : flags.workflows) {
      DeploymentSources sources = flags.sources;
      sources.workflow = folder;
      // Each has its own.
      if (flags.workflows.size() > 1 && !flags.database.empty() && flags.database != kFreshDatabases)
        sources.databases = std::filesystem::path(flags.database) / std::filesystem::path(folder).filename();
      sources.brain.n_threads = flags.threads;
      sources.brain.team = team;
      if (versions != nullptr) {
        SOTTO_ASSIGN_OR_RETURN(ServedWorkflow served,
                               versions->Serve(sources, {host.scheduler(), host.scheduler()},
                                               [&flags](const Workflow& workflow) {
                                                 return TerminalCaller(workflow, flags.customer, "");
                                               }));
        opened.push_back(std::make_shared<ServedWorkflow>(std::move(served)));
        continue;
      }
      SOTTO_ASSIGN_OR_RETURN(auto deployment, OpenDeployment(sources, {host.scheduler(), host.scheduler()}));
      const Workflow& workflow = deployment->workflow();
      Caller caller = TerminalCaller(workflow, flags.customer, "");
      opened.push_back(std::make_shared<ServedWorkflow>(
          ServedWorkflow{workflow.name, std::move(deployment), std::move(caller)}));
    }
    return opened;
  };
}

// "Name: value", one a line.
Result<HttpHeaders> ReadHeaders(const std::string& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  HttpHeaders headers;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
    if (line.empty()) continue;
    const size_t colon = line.find(':');
    const size_t value = colon == std::string::npos ? colon : line.find_first_not_of(' ', colon + 1);
    if (colon == 0 || value == std::string::npos)
      return MakeError(ErrorCode::kInvalidArgument, "{}: a line should read NAME: VALUE", path);
    headers.emplace_back(line.substr(0, colon), line.substr(value));
  }
  return headers;
}

// From a file or the environment, never from the command line, which everybody on the machine can read.
// Empty: neither is given.
Result<std::string> ReadSecret(const std::string& file, const char* variable) {
  if (file.empty()) {
    const char* value = std::getenv(variable);
    return std::string(value != nullptr ? value : "");
  }
  SOTTO_ASSIGN_OR_RETURN(std::string secret, ReadFile(file));
  while (!secret.empty() && std::isspace(static_cast<unsigned char>(secret.back()))) secret.pop_back();
  return secret;
}

Result<void> ReadSecrets(ServeFlags& flags) {
  CarrierOptions& carriers = flags.server.carriers;
  SOTTO_ASSIGN_OR_RETURN(carriers.twilio_token, ReadSecret(flags.twilio_token_file, "SOTTO_TWILIO_TOKEN"));
  SOTTO_ASSIGN_OR_RETURN(carriers.telnyx_key, ReadSecret(flags.telnyx_key_file, "SOTTO_TELNYX_KEY"));
  SOTTO_ASSIGN_OR_RETURN(carriers.plivo_token, ReadSecret(flags.plivo_token_file, "SOTTO_PLIVO_TOKEN"));
  if (!carriers.telnyx_key.empty()) SOTTO_RETURN_IF_ERROR(CheckTelnyxKey(carriers.telnyx_key));
  WebhookOptions& webhooks = flags.server.webhooks;
  SOTTO_ASSIGN_OR_RETURN(webhooks.secret, ReadSecret(flags.webhook_secret_file, "SOTTO_WEBHOOK_SECRET"));
  if (!flags.traces_headers_file.empty()) {
    SOTTO_ASSIGN_OR_RETURN(flags.server.traces.headers, ReadHeaders(flags.traces_headers_file));
  }
  while (carriers.public_url.ends_with('/')) carriers.public_url.pop_back();
  const bool any =
      !carriers.twilio_token.empty() || !carriers.telnyx_key.empty() || !carriers.plivo_token.empty();
  if (any && !carriers.public_url.starts_with("https://") && !carriers.public_url.starts_with("http://")) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "calls of Twilio's, Telnyx's and Plivo's need --public-url, the address that they were told: "
        "https://voice.example");
  }
  return {};
}

Result<void> OpenModels(ServeFlags& flags, const std::shared_ptr<SharedTeam>& team) {
  for (const std::string& given : flags.models) {
    const size_t equals = given.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == given.size())
      return MakeError(ErrorCode::kInvalidArgument, "--model: '{}' should be NAME=FILE.gguf", given);
    SOTTO_ASSIGN_OR_RETURN(
        std::shared_ptr<const LanguageModel> model,
        LanguageModel::Open(given.substr(equals + 1), {.n_threads = flags.threads, .team = team}));
    if (!flags.server.models.try_emplace(given.substr(0, equals), std::move(model)).second)
      return MakeError(ErrorCode::kInvalidArgument, "--model: '{}' is given twice", given.substr(0, equals));
  }
  return {};
}

// Where the turns go to a store, they can be labelled from there.
Result<void> OpenDesks(ServeFlags& flags) {
  if (flags.host.turns.empty() || !IsTurnStorePath(flags.host.turns)) return {};
  for (const std::string& folder : flags.workflows) {
    SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadWorkflow(folder));
    LabelDesk::Options options;
    options.input.store = flags.host.turns;
    options.queue.most = kMostLabelItems;
    options.registry = flags.registry.empty() ? std::string("flywheel") : flags.registry;
    options.nobody = kAnybody;
    options.rights_file = std::filesystem::path(flags.host.turns).parent_path() / "labellers";
    flags.server.desks.try_emplace(workflow->name, std::make_shared<LabelDesk>(workflow, std::move(options)));
  }
  return {};
}

Result<void> Run(ServeFlags& flags) {
  if (flags.workflows.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "serve needs --workflow DIR, or `workflow:` in sotto.yaml");
  }
  const sigset_t signals = BlockSignals();
  flags.host.open_turns = OpenTurns;
  SOTTO_ASSIGN_OR_RETURN(const auto host, SessionHost::Open(flags.host));
  flags.sources.databases = flags.database;
  SOTTO_ASSIGN_OR_RETURN(auto route, ReadRouteConfig(flags.config));
  if (route) {
    SOTTO_ASSIGN_OR_RETURN(flags.sources.route, RouteResources::Open(*std::move(route)));
    SOTTO_ASSIGN_OR_RETURN(flags.server.gateway, ChatGateway::Create(flags.sources.route));
    const RouteResources& resources = *flags.sources.route;
    if (resources.config().cache && resources.config().cache->serve)
      flags.server.cache = resources.cache_here();
  }
  flags.server.http.port = static_cast<uint16_t>(flags.port);
  flags.server.access.keys = flags.keys;
  flags.server.calls.most = static_cast<size_t>(flags.most_calls);
  flags.server.sessions.most = static_cast<size_t>(flags.most_sessions);
  flags.server.page = !flags.no_page;
  SOTTO_RETURN_IF_ERROR(ReadSecrets(flags));
  flags.server.audit = flags.audit;
  SOTTO_ASSIGN_OR_RETURN(flags.server.audit_key, ReadAuditKey(flags.audit_key_file));
  for (const std::string& port : flags.audio_sockets) {
    SOTTO_ASSIGN_OR_RETURN(auto parsed, ParsePort(port, "audio-socket"));
    flags.server.audio_sockets.push_back(std::move(parsed));
  }
  for (const std::string& port : flags.wyoming) {
    SOTTO_ASSIGN_OR_RETURN(auto parsed, ParsePort(port, "wyoming"));
    flags.server.wyoming.push_back(std::move(parsed));
  }
  const auto team = std::make_shared<SharedTeam>(static_cast<size_t>(flags.threads));
  SOTTO_RETURN_IF_ERROR(OpenModels(flags, team));
  SOTTO_ASSIGN_OR_RETURN(flags.server.indexes, OpenIndexes(flags.indexes));
  SOTTO_RETURN_IF_ERROR(OpenDesks(flags));
  // Nobody asks for a key on the loopback of one's own machine; there the demo's customer calls, as in
  // `sotto talk`.
  if (flags.customer == "-") flags.customer = flags.keys.empty() ? kDemoCustomer : "";
  std::unique_ptr<ServedVersions> versions;
  if (!flags.registry.empty()) {
    SOTTO_ASSIGN_OR_RETURN(versions, ServedVersions::Open(flags.registry, host->turns()));
  }
  TurnSink* const turns = versions != nullptr ? versions->turns() : host->turns();
  SOTTO_ASSIGN_OR_RETURN(const auto server,
                         Server::Start({&host->clock(), &host->scheduler(), host->journal(), turns},
                                       flags.server, OpenWith(flags, team, *host, versions.get())));
  if (versions != nullptr) versions->Watch([&server] { return server->Reload("registry"); });
  const std::vector<uint16_t> ports = server->audio_socket_ports();
  for (size_t i = 0; i < ports.size(); ++i)
    fmt::print("AudioSocket is at {}:{}\n", flags.server.audio_sockets[i].address, ports[i]);
  const std::vector<uint16_t> wyoming = server->wyoming_ports();
  for (size_t i = 0; i < wyoming.size(); ++i)
    fmt::print("Wyoming is at {}:{}\n", flags.server.wyoming[i].address, wyoming[i]);
  fmt::print("Sotto is at {}\n", server->url());
  std::fflush(stdout);
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    const auto reloaded = server->Reload("signal");
    fmt::print(stderr, "sotto: {}\n", reloaded ? "reloaded" : "not reloaded: " + reloaded.error().message);
  }
  fmt::print(stderr, "sotto: stopping; calls have {} s to end\n", flags.drain_s);
  server->Drain(std::chrono::seconds(flags.drain_s));
  return {};
}

void AddLimits(CLI::App& command, ServeFlags& flags) {
  command.add_option("--most-calls", flags.most_calls, "Calls at once; more are told that lines are busy")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--most-sessions", flags.most_sessions, "Written sessions at once")
      ->check(CLI::Range(1, 10000000))
      ->capture_default_str();
  Admission::Options& admission = flags.server.admission;
  command
      .add_option(
          "--most-cpu", admission.most_cpu,
          "Share of the cores that the server may use from which on calls are told that it is busy, 0..1; 0: "
          "not looked at")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--most-late", admission.most_late,
                  "Late frames of speech a second, from which on nobody more is let in; 0: not looked at")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command
      .add_option(
          "--most-waiting", admission.most_waiting,
          "Pieces of work that wait for a thread, from which on nobody more is let in; 0: not looked at")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command
      .add_option("--reopen", admission.reopen,
                  "Share of each of these below which, after 5 s, people are let in again")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  command
      .add_option("--call-cost", admission.call_cost,
                  "Cores that a call takes: those that just began count so much")
      ->check(CLI::Range(0.0, 64.0))
      ->capture_default_str();
  command.add_option("--drain", flags.drain_s, "Seconds that calls have to end when the server is stopped")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  command.add_option("--threads", flags.threads, "Threads that models compute on, all together")
      ->check(CLI::Range(1, 64))
      ->envname("SOTTO_THREADS")
      ->capture_default_str();
  command
      .add_option("--ready-recognizers", flags.sources.ready_recognizers,
                  "Callers of each workflow who never wait for a recognizer to start")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
}

void AddWatching(CLI::App& command, ServeFlags& flags) {
  command
      .add_option(
          "--recordings", flags.server.recordings,
          "Folder of recorded calls, of workflows that say so (docs/formats/recordings.md); only its owner "
          "may read it")
      ->envname("SOTTO_RECORDINGS");
  command
      .add_option("--traces", flags.server.traces.url,
                  "Collector that is sent spans, OTLP over HTTP: http://127.0.0.1:4318/v1/traces")
      ->envname("SOTTO_TRACES");
  command.add_option("--traces-headers-file", flags.traces_headers_file,
                     "Headers that the collector wants, one a line: Authorization: Bearer KEY");
  command
      .add_option("--traces-share", flags.server.traces.share,
                  "Share of the traces that begin here, 0..1; whoever sends a traceparent decides for theirs")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

void AddSecurity(CLI::App& command, ServeFlags& flags) {
  command.add_option("--keys", flags.keys, "File of API keys (`sotto keys`); without it nobody needs one")
      ->envname("SOTTO_KEYS");
  command.add_option("--certificate", flags.server.http.certificate, "TLS: certificate chain, PEM");
  command.add_option("--certificate-key", flags.server.http.certificate_key, "TLS: its key, PEM");
  command.add_option(
      "--client-ca", flags.server.http.client_authorities,
      "TLS: certificate authorities of clients, PEM; who shows a certificate of theirs may be a key "
      "(`sotto keys add --certificate`)");
  command.add_flag("!--client-certificate-optional", flags.server.http.client_certificate_required,
                   "With --client-ca: clients without a certificate are let in, with a key");
  command
      .add_option(
          "--audit", flags.audit,
          "File that tells of each act of administration: who, when, what, how it ended (`sotto audit`)")
      ->envname("SOTTO_AUDIT");
  command
      .add_option("--audit-key-file", flags.audit_key_file,
                  "Key of its hashes: without it nobody can write the file anew")
      ->envname("SOTTO_AUDIT_KEY_FILE");
  command.add_option("--origin", flags.server.access.origins,
                     "Origin of pages elsewhere that may ask: https://shop.example");
  command.add_option("--host", flags.server.access.hosts,
                     "Name under which browsers reach this machine, where there are no keys");
}

}  // namespace

void RegisterServe(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("serve", "Serve workflows to telephones, browsers and programs");
  auto flags = std::make_shared<ServeFlags>();
  flags->sources.ready_recognizers = 4;
  command->add_option("--workflow", flags->workflows, "Folder of a workflow; several")
      ->envname("SOTTO_WORKFLOW");
  command
      ->add_option("--config", flags->config,
                   "Options that are not given here, and the section route:; default: sotto.yaml")
      ->envname("SOTTO_CONFIG");
  command->add_option("--address", flags->server.http.address, "Where to listen; 0.0.0.0: everywhere")
      ->envname("SOTTO_ADDRESS")
      ->capture_default_str();
  command->add_option("--port", flags->port, "Port of HTTP and WebSocket; 0: any free one")
      ->check(CLI::Range(0, 65535))
      ->envname("SOTTO_PORT")
      ->capture_default_str();
  command
      ->add_option("--audio-socket", flags->audio_sockets,
                   "Port for Asterisk's AudioSocket: 9092, 0.0.0.0:9092, or with whose calls come there "
                   "9092=banking; several")
      ->envname("SOTTO_AUDIO_SOCKET");
  command
      ->add_option(
          "--wyoming", flags->wyoming,
          "Port for Home Assistant's Wyoming: 10300, 0.0.0.0:10300, or whose ears and voice these are "
          "10300=banking; several")
      ->envname("SOTTO_WYOMING");
  command
      ->add_option("--model", flags->models,
                   "A language model for programs, beside the workflows: NAME=FILE.gguf, or "
                   "NAME=random:SHAPE; several")
      ->envname("SOTTO_MODEL");
  command->add_option("--index", flags->indexes,
                      "Documents that POST /v1/search asks: NAME=DIR, made by `sotto index build`; several");
  command->add_option(
      "--webhook", flags->server.webhooks.urls,
      "Address that is told of ended calls and hand-offs (docs/formats/webhooks.md); several");
  command->add_option("--webhook-secret-file", flags->webhook_secret_file,
                      "whsec_BASE64, which its messages are signed with (or SOTTO_WEBHOOK_SECRET)");
  command->add_option("--webhook-folder", flags->server.webhooks.folder,
                      "Where messages that were not taken yet survive a restart");
  command->add_option(
      "--twilio-token-file", flags->twilio_token_file,
      "Takes calls of Twilio's, whose auth token stands in this file (or in SOTTO_TWILIO_TOKEN)");
  command->add_option(
      "--telnyx-key-file", flags->telnyx_key_file,
      "Takes calls of Telnyx's, whose public key stands in this file (or in SOTTO_TELNYX_KEY)");
  command->add_option(
      "--plivo-token-file", flags->plivo_token_file,
      "Takes calls of Plivo's, whose auth token stands in this file (or in SOTTO_PLIVO_TOKEN)");
  command
      ->add_option("--public-url", flags->server.carriers.public_url,
                   "This server as these networks were told it: https://voice.example")
      ->envname("SOTTO_PUBLIC_URL");
  command->add_option("--person", flags->server.carriers.person,
                      "Telephone number that they dial where a person takes over");
  command->add_option("--recognizer", flags->sources.recognizer, "See `sotto talk --help`")
      ->envname("SOTTO_RECOGNIZER");
  command->add_option("--synthesizer", flags->sources.synthesizer, "See `sotto talk --help`")
      ->envname("SOTTO_SYNTHESIZER")
      ->capture_default_str();
  command->add_flag("!--text-only", flags->sources.spoken, "No ears and no mouth");
  command->add_flag("--no-page", flags->no_page, "Do not serve the page");
  AddDatabaseOption(*command, flags->database);
  command
      ->add_option("--customer", flags->customer,
                   "Who is calling, where nobody says so: a customer's id; '' for somebody unknown. "
                   "Default: with --keys nobody, else the demo's")
      ->envname("SOTTO_CUSTOMER");
  command->add_option("--db", flags->host.sessions, "Where conversations are kept, to be continued");
  command
      ->add_option("--registry", flags->registry,
                   "Serve the version that this registry says is live, and its canary (sotto flywheel, sotto "
                   "canary); default: the model in the workflow's folder")
      ->envname("SOTTO_REGISTRY");
  command->add_option(
      "--turns", flags->host.turns,
      "Append the record of each turn to this file, one a line; *.sqlite, *.db: a turn store (sotto logs)");
  command->add_flag("!--keep-personal-data", flags->host.redact,
                    "Write turn records as they are; default: typed placeholders stand for personal data");
  AddSecurity(*command, *flags);
  AddWatching(*command, *flags);
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
