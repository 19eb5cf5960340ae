// Wyoming on a TCP port (docs/formats/wyoming.md): Home Assistant and its satellites hear, speak, understand and
// talk with a workflow that is served. The protocol knows no keys and no encryption: the port belongs on the
// loopback or on a network of one's own.
#pragma once

#include <memory>

#include "server/io_threads.h"
#include "server/port_option.h"
#include "server/wyoming_session.h"

namespace sotto {

class ServerMetrics;

class WyomingServer {
 public:
  // All of it outlives the server and its connections.
  struct Services {
    Scheduler* scheduler = nullptr;
    const ServedWorkflows* workflows = nullptr;
    TextSessions* sessions = nullptr;
    ServerMetrics* metrics = nullptr;
  };

  // Listens when this returns. The error names address and port.
  static Result<std::unique_ptr<WyomingServer>> Listen(IoThreads& io, PortOptions options,
                                                       const Services& services);
  // Accepts no more. Connections end with `io`.
  ~WyomingServer();
  WyomingServer(const WyomingServer&) = delete;
  WyomingServer& operator=(const WyomingServer&) = delete;

  uint16_t port() const;
  size_t connections() const;

 private:
  struct Impl;
  explicit WyomingServer(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace sotto
