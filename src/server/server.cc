#include "server/server.h"

#include <condition_variable>
#include <optional>
#include <thread>

#include "base/log.h"
#include "server/cpu_share.h"
#include "server/metrics.h"
#include "server/service.h"

namespace sotto {
namespace {

constexpr std::chrono::seconds kLookEvery{1};
constexpr int kSweepEvery = 10;  // looks
constexpr int kSweepRecordingsEvery = 600;
constexpr std::chrono::milliseconds kLastWords{500};  // for closing what is hung up

// A workflow whose calls are to be recorded is not served where there is no folder for it.
ServedWorkflows::Open Recordable(ServedWorkflows::Open open, bool has_folder) {
  return [open = std::move(open), has_folder]() -> Result<std::vector<ServedWorkflowPtr>> {
    SOTTO_ASSIGN_OR_RETURN(std::vector<ServedWorkflowPtr> opened, open());
    for (const ServedWorkflowPtr& served : opened) {
      if (has_folder || !served->speaks() || !served->deployment->workflow().recording.calls) continue;
      return MakeError(
          ErrorCode::kInvalidArgument,
          "the workflow '{}' has its calls recorded (`recording: {{calls: true}}`): --recordings should "
          "name the folder",
          served->name);
    }
    return opened;
  };
}

}  // namespace

// In the order in which they are needed: what is asked goes before what answers.
struct Server::Parts {
  Services services;
  ServerOptions options;
  std::optional<IoThreads> io;
  ServerMetrics metrics;
  std::optional<Admission> admission;
  std::unique_ptr<Tracer> tracer;
  std::unique_ptr<Access> access;
  std::unique_ptr<ServedWorkflows> workflows;
  std::unique_ptr<Webhooks> webhooks;
  std::unique_ptr<Recordings> recordings;  // null: none are made
  std::unique_ptr<ActLog> act_log;         // null: acts are not written down
  std::optional<ActTrail> trail;
  std::optional<TextSessions> sessions;
  std::optional<VoiceCalls> calls;
  std::optional<CallLog> call_log;
  std::optional<LanguageModels> models;
  std::optional<Service> service;
  std::unique_ptr<HttpServer> http;
  std::vector<std::unique_ptr<AudioSocketServer>> audio_sockets;
  std::vector<std::unique_ptr<WyomingServer>> wyoming;
  std::mutex reloading;
  std::mutex mutex;
  std::condition_variable stopping_changed;
  bool stopping = false;  // guarded by mutex
  std::thread sweeper;

  Result<void> Reload() {
    const std::lock_guard lock(reloading);
    auto reloaded = workflows->Reload();
    if (reloaded) reloaded = access->Reload();
    if (reloaded) reloaded = http->ReloadCertificate();
    metrics.Reloaded(reloaded.has_value());
    return reloaded;
  }
  size_t connections() const {
    size_t open = http != nullptr ? http->connections() : 0;
    for (const auto& port : audio_sockets) open += port->connections();
    for (const auto& port : wyoming) open += port->connections();
    return open;
  }
  void Look() {
    admission->Observe({ProcessCpuTime(), metrics.late_frames(),
                        services.scheduler->counters().waited + sessions->turns_waited()});
    metrics.Load(*admission);
  }
  void Sweep() {
    std::unique_lock lock(mutex);
    for (int looks = 1; !stopping_changed.wait_for(lock, kLookEvery, [this] { return stopping; }); ++looks) {
      lock.unlock();
      Look();
      if (looks % kSweepEvery == 0) sessions->Sweep();
      if (looks % kSweepRecordingsEvery == 1 && recordings != nullptr) recordings->Sweep();
      lock.lock();
    }
  }
};

// Posted work may come when the server has gone.
Result<void> Server::ReloadLater(const std::weak_ptr<Parts>& weak) {
  const auto parts = weak.lock();
  return parts != nullptr ? parts->Reload() : MakeError(ErrorCode::kCancelled, "the server is stopping");
}

Server::Server(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Server>> Server::Start(const Services& services, ServerOptions options,
                                              ServedWorkflows::Open open) {
  const auto made = std::make_shared<Parts>();
  Parts& parts = *made;
  parts.services = services;
  parts.options = std::move(options);
  SOTTO_ASSIGN_OR_RETURN(parts.access, Access::Open(*services.clock, parts.options.access));
  SOTTO_ASSIGN_OR_RETURN(parts.workflows, ServedWorkflows::Create(Recordable(
                                              std::move(open), !parts.options.recordings.empty())));
  SOTTO_ASSIGN_OR_RETURN(parts.webhooks, Webhooks::Open(*services.scheduler, parts.options.webhooks));
  SOTTO_ASSIGN_OR_RETURN(parts.tracer,
                         Tracer::Open(*services.scheduler, parts.metrics, parts.options.traces));
  if (!parts.options.recordings.empty()) {
    SOTTO_ASSIGN_OR_RETURN(parts.recordings, Recordings::Open({services.clock, services.scheduler,
                                                               &parts.metrics, parts.webhooks.get()},
                                                              parts.options.recordings));
  }
  if (!parts.options.audit.empty()) {
    SOTTO_ASSIGN_OR_RETURN(parts.act_log,
                           ActLog::Open(parts.options.audit, parts.options.audit_key, *services.clock));
    parts.trail.emplace(*parts.act_log, *services.scheduler);
  }
  parts.admission.emplace(*services.clock, parts.options.admission, UsableCores());
  parts.sessions.emplace(
      TextSessions::Services{services.clock, services.journal, services.turns, &parts.metrics,
                             parts.webhooks.get(), parts.tracer.get(), &*parts.admission},
      parts.options.sessions);
  parts.calls.emplace(VoiceCalls::Services{services.scheduler, services.clock, services.journal,
                                           services.turns, &parts.metrics, parts.webhooks.get(),
                                           parts.recordings.get(), parts.tracer.get(), &*parts.admission},
                      parts.options.calls);
  parts.call_log.emplace(*services.clock);
  parts.models.emplace(*services.scheduler, parts.options.models);
  parts.service.emplace(Service::Parts{services.clock,
                                       services.scheduler,
                                       parts.access.get(),
                                       parts.workflows.get(),
                                       &*parts.sessions,
                                       &*parts.calls,
                                       &*parts.admission,
                                       &*parts.call_log,
                                       &*parts.models,
                                       parts.options.gateway.get(),
                                       &parts.metrics,
                                       [&parts] { return parts.connections(); },
                                       [weak = std::weak_ptr(made)] { return ReloadLater(weak); },
                                       parts.options.page,
                                       parts.options.carriers,
                                       parts.options.indexes,
                                       parts.recordings.get(),
                                       parts.tracer.get(),
                                       parts.options.desks,
                                       parts.options.cache,
                                       parts.trail ? &*parts.trail : nullptr});
  parts.io.emplace(parts.options.io_threads);
  SOTTO_ASSIGN_OR_RETURN(parts.http, HttpServer::Listen(*parts.io, parts.options.http, *parts.service));
  for (const auto* ports : {&parts.options.audio_sockets, &parts.options.wyoming}) {
    for (const PortOptions& port : *ports) {
      if (parts.workflows->Find(port.workflow) == nullptr) {
        return MakeError(ErrorCode::kInvalidArgument,
                         "no workflow '{}' is served, whose calls should come to port {}", port.workflow,
                         port.port);
      }
    }
  }
  for (const PortOptions& port : parts.options.audio_sockets) {
    SOTTO_ASSIGN_OR_RETURN(auto listening, AudioSocketServer::Listen(*parts.io, port,
                                                                     {&*parts.calls, parts.workflows.get(),
                                                                      &parts.metrics, &*parts.call_log}));
    parts.audio_sockets.push_back(std::move(listening));
  }
  for (const PortOptions& port : parts.options.wyoming) {
    SOTTO_ASSIGN_OR_RETURN(auto listening, WyomingServer::Listen(*parts.io, port,
                                                                 {services.scheduler, parts.workflows.get(),
                                                                  &*parts.sessions, &parts.metrics}));
    parts.wyoming.push_back(std::move(listening));
  }
  if (parts.trail) SOTTO_RETURN_IF_ERROR(parts.trail->Note("program", "server.start", ""));
  parts.Look();
  parts.sweeper = std::thread([&parts] { parts.Sweep(); });
  parts.service->SetReady(true);
  return std::unique_ptr<Server>(new Server(made));
}

Server::~Server() {
  {
    const std::lock_guard lock(parts_->mutex);
    parts_->stopping = true;
  }
  parts_->stopping_changed.notify_all();
  parts_->sweeper.join();
  // Nothing is served any more, and nobody is left who would send: then what connections hold may go.
  parts_->io->Stop();
  parts_->calls.reset();  // before the models, which answer in some of them
  if (parts_->trail) parts_->trail->Finish();
  parts_->models.reset();
  parts_->sessions.reset();
  parts_->audio_sockets.clear();
  parts_->wyoming.clear();
  parts_->http.reset();
  parts_->io.reset();
  parts_->recordings.reset();
}

uint16_t Server::port() const { return parts_->http->port(); }

std::vector<uint16_t> Server::audio_socket_ports() const {
  std::vector<uint16_t> ports;
  for (const auto& one : parts_->audio_sockets) ports.push_back(one->port());
  return ports;
}

std::vector<uint16_t> Server::wyoming_ports() const {
  std::vector<uint16_t> ports;
  for (const auto& one : parts_->wyoming) ports.push_back(one->port());
  return ports;
}

std::string Server::url() const {
  const std::string& address = parts_->options.http.address;
  const bool everywhere = address == "0.0.0.0" || address == "::";
  return fmt::format("{}://{}:{}", parts_->http->tls() ? "https" : "http",
                     everywhere                               ? "localhost"
                     : address.find(':') != std::string::npos ? "[" + address + "]"
                                                              : address,
                     port());
}

Result<void> Server::Reload(const std::string& by) {
  if (!parts_->trail) return parts_->Reload();
  return parts_->trail->DoNow(by, "reload", [this] { return parts_->Reload(); });
}

void Server::Drain(std::chrono::milliseconds limit) {
  const TimePoint until = parts_->services.clock->Now() + limit;
  // It stops whether or not that can be written down.
  if (parts_->trail) (void)parts_->trail->Note("program", "server.drain", "");
  parts_->service->SetReady(false);
  parts_->calls->RefuseMore();
  parts_->sessions->RefuseMore();
  // Looked at now and then, not waited for: it happens once in the life of a server.
  constexpr std::chrono::milliseconds kLook{50};
  const auto busy = [this] { return parts_->calls->size() > 0 || parts_->sessions->waiting() > 0; };
  while (busy() && parts_->services.clock->Now() < until) std::this_thread::sleep_for(kLook);
  parts_->calls->HangUpAll("server_stops");
  const TimePoint last = parts_->services.clock->Now() + kLastWords;
  while (parts_->calls->size() > 0 && parts_->services.clock->Now() < last)
    std::this_thread::sleep_for(kLook);
  std::this_thread::sleep_for(kLook);  // close frames go out
}

}  // namespace sotto
