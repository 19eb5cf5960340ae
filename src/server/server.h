// The server as one thing: ports, sessions, calls, and how it begins and ends.
//
//   Start: workflows opened, ports listening, ready
//   Reload (SIGHUP): workflows, keys, certificate again; sessions and calls keep what they have
//   Drain (SIGTERM): not ready; no new sessions or calls; those that are held end by themselves, or, when the
//     time is over, are hung up
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "assistant/chat_gateway.h"
#include "server/access.h"
#include "server/audio_socket_server.h"
#include "server/http_server.h"
#include "server/label_api.h"
#include "server/language_models.h"
#include "server/media_streams.h"
#include "server/search_api.h"
#include "server/served_workflow.h"
#include "server/text_sessions.h"
#include "server/voice_calls.h"
#include "server/webhooks.h"
#include "server/wyoming_server.h"

namespace sotto {

struct ServerOptions {
  HttpOptions http;
  Access::Options access;
  TextSessions::Options sessions;
  VoiceCalls::Options calls;
  Admission::Options admission;
  std::vector<PortOptions> audio_sockets;  // none: there are no such ports; as of the next
  std::vector<PortOptions> wyoming;
  LanguageModels::ByName models;         // offered beside the workflows, to programs
  std::shared_ptr<ChatGateway> gateway;  // `model: auto` beyond the workflows; null: nobody elsewhere
  TracerOptions traces;
  WebhookOptions webhooks;
  std::filesystem::path audit;         // file of what was done (act_log.h); empty: it is not written down
  std::string audit_key;               // of its hashes; empty: plain ones
  std::filesystem::path recordings;    // folder; empty: calls are not recorded
  SearchApi::Indexes indexes;          // of documents, for POST /v1/search
  LabelApi::Desks desks;               // where turns get labels; none: nothing is labelled here
  std::shared_ptr<AnswerCache> cache;  // served to other Sottos; null: none is
  CarrierOptions carriers;
  int io_threads = 2;
  bool page = true;
};

class Server {
 public:
  // What the sessions of every workflow share; outlives the server. `scheduler` has threads.
  struct Services {
    const Clock* clock = nullptr;
    Scheduler* scheduler = nullptr;
    Journal* journal = nullptr;
    TurnSink* turns = nullptr;
  };

  static Result<std::unique_ptr<Server>> Start(const Services& services, ServerOptions options,
                                               ServedWorkflows::Open open);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:8080"
  std::vector<uint16_t> audio_socket_ports() const;
  std::vector<uint16_t> wyoming_ports() const;
  // Blocks. What cannot be read stays as it was, and is the error. `by`: who asks, as the audit log names them.
  Result<void> Reload(const std::string& by = "program");
  // Blocks until nobody is served any more, at most `limit`.
  void Drain(std::chrono::milliseconds limit);

 private:
  struct Parts;
  static Result<void> ReloadLater(const std::weak_ptr<Parts>& weak);
  explicit Server(std::shared_ptr<Parts> parts);
  const std::shared_ptr<Parts> parts_;
};

}  // namespace sotto
