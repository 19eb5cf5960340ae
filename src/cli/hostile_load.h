// Those who mean harm to a server, or whose network does: connections that vanish, bytes that are none of its
// protocols, frames that stop in the middle, floods, readers that do not read, tokens that were used before. For
// benchmarks: over plain sockets to 127.0.0.1, each kind on a thread of its own, without a pause but what `pause` says.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/json.h"

namespace sotto {

class HostileLoad {
 public:
  struct Target {
    uint16_t http = 0;
    uint16_t audio_socket = 0;
    uint16_t wyoming = 0;                // 0: none
    std::string key;                     // an API key that may talk
    std::string twilio_token;            // the auth token that the server was given
    std::string public_url;              // and its address
    std::chrono::milliseconds pause{5};  // after each attack
  };

  // Begins at once. `seed`: of what is random.
  HostileLoad(Target target, uint64_t seed);
  ~HostileLoad();
  void Stop();

  // After Stop: {"vanish": n, "garbage": n, ..., "replays": {"tried", "accepted"}}
  Json counts() const;
  // Tokens that were used before, altered or made up, and were let in. Must be 0.
  uint64_t replays_accepted() const { return accepted_; }

 private:
  struct Kind;
  const Target target_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> tried_{0};
  std::atomic<uint64_t> accepted_{0};
  std::vector<std::unique_ptr<Kind>> kinds_;
  std::vector<std::thread> threads_;
};

}  // namespace sotto
