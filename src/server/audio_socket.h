// A port for Asterisk's AudioSocket: each connection is a call. It has no notion of who connects: the port
// belongs on the loopback, or behind a firewall that lets nobody but the telephone exchange through.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "server/io_threads.h"
#include "server/served_workflow.h"
#include "server/voice_calls.h"

namespace sotto {

struct AudioSocketOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;         // 0: any free one
  std::string workflow;      // empty: the first that is served
  size_t max_waiting = 64 << 10;  // bytes that an exchange which does not read is given: four seconds
};

class AudioSocketServer {
 public:
  // Listens when this returns; what is given outlives it and `io`. The error names address and port.
  static Result<std::unique_ptr<AudioSocketServer>> Listen(IoThreads& io, AudioSocketOptions options,
                                                           VoiceCalls& calls,
                                                           const ServedWorkflows& workflows);
  ~AudioSocketServer();
  AudioSocketServer(const AudioSocketServer&) = delete;
  AudioSocketServer& operator=(const AudioSocketServer&) = delete;

  uint16_t port() const;

  struct Impl;

 private:
  explicit AudioSocketServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace sotto
