// The other end of the server's spoken protocols: a telephone that programs can dial, for tests and
// benchmarks.
//
//   auto phone = CallOverAudioSocket(io, port, id, 8000, {.on_audio = ..., .on_end = ...});
//   phone->Send(samples);   // as they come from the microphone
//   phone->HangUp();
//
// Threads: Send, Key and HangUp from any, one at a time; callbacks come on a thread of `io`, one at a time, and
// never after the client has gone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "assistant/line_audio.h"
#include "core/json.h"
#include "server/io_threads.h"

namespace sotto {

class CallClient {
 public:
  struct Callbacks {
    std::function<void(std::span<const float> samples)> on_audio = {};  // 16 kHz, as messages come
    std::function<void(const Json& event)> on_event = {};               // of WebSockets
    std::function<void(std::string_view reason)> on_end = {};           // once, last
  };

  virtual ~CallClient() = default;
  // 16 kHz, any length; goes out 20 ms a message.
  virtual void Send(std::span<const float> samples) = 0;
  virtual void Key(char key) = 0;
  // Properly; on_end follows.
  virtual void HangUp() = 0;
};

// To 127.0.0.1. `io` outlives the client. Where no connection is made, on_end says so.
// `start`: the first message (docs/formats/websocket.md); its formats are those of `format`.
std::unique_ptr<CallClient> CallOverWebSocket(IoThreads& io, uint16_t port, Json start, LineFormat format,
                                              CallClient::Callbacks callbacks);
// REQUIRES: `id` of 16 bytes; a rate that LineFormat has.
std::unique_ptr<CallClient> CallOverAudioSocket(IoThreads& io, uint16_t port, std::string id, int rate_hz,
                                                CallClient::Callbacks callbacks);

}  // namespace sotto
