// Requests that are sent again because nobody knows whether they arrived: the same key and the same body get
// the same answer, and what they ask for is done once. Remembered for ten minutes, in memory. Any thread.
// Source: draft-ietf-httpapi-idempotency-key-header.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "server/http.h"

namespace sotto {

class IdempotencyKeys {
 public:
  explicit IdempotencyKeys(const Clock& clock, size_t most = 4096) : clock_(clock), most_(most) {}

  // `request`: what it is about (client, method, address, body). Either somebody must do it now, who calls
  // Remember (or Forget); or it was done: the answer; or the answer to give instead: 409 it is being done,
  // 422 the key was used for something else.
  std::optional<WebResponse> Find(const std::string& key, uint64_t request);
  void Remember(const std::string& key, const WebResponse& response);
  void Forget(const std::string& key);

 private:
  struct Entry {
    uint64_t request = 0;
    TimePoint at{};
    std::optional<WebResponse> response;  // none: being done
    std::list<std::string>::iterator place;
  };

  const Clock& clock_;
  const size_t most_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;  // guarded by mutex_
  std::list<std::string> order_;                    // guarded by mutex_, the oldest first
};

}  // namespace sotto
