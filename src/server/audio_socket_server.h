// Asterisk's AudioSocket: one port, one call a connection (docs/formats/audio_socket.md). The dialplan gives
// the call its UUID; Sotto hangs up when the conversation is over or a person takes over, and the dialplan goes
// on: GET /v1/calls/UUID says which.
//
//   connected --UUID, within 10 s--> opening --> audio both ways, 20 ms a message --> hang-up, by either side
//
// The protocol knows no keys and no encryption: the port belongs on the loopback or on a network of one's own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "server/call_log.h"
#include "server/io_threads.h"
#include "server/port_option.h"
#include "server/voice_calls.h"

namespace sotto {

class AudioSocketServer {
 public:
  // All of it outlives the server and its connections.
  struct Services {
    VoiceCalls* calls = nullptr;
    const ServedWorkflows* workflows = nullptr;
    ServerMetrics* metrics = nullptr;
    CallLog* log = nullptr;
  };

  // `options.workflow`: of calls of which nothing else was announced. Listens when this returns. The error names
  // address and port.
  static Result<std::unique_ptr<AudioSocketServer>> Listen(IoThreads& io, PortOptions options,
                                                           const Services& services);
  // Accepts no more. Connections end with `io`.
  ~AudioSocketServer();
  AudioSocketServer(const AudioSocketServer&) = delete;
  AudioSocketServer& operator=(const AudioSocketServer&) = delete;

  uint16_t port() const;
  size_t connections() const;

 private:
  struct Impl;
  explicit AudioSocketServer(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace sotto
