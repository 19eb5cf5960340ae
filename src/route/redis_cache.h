// The cache in Redis, shared by processes: an understanding a key ("sotto:u1:<SHA-256>"), with its time to live,
// and a set of keys for each tag. Asked on a thread of its own, within milliseconds or not at all: without a
// server everything goes on as if nothing were there, which is said once, and again when it is back. What it
// finds was written by others: damaged entries are deleted, and whoever uses it checks what it says
// (trusted() is false). Any thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "route/answer_cache.h"

namespace sotto {

struct RedisOptions {
  std::string host = "127.0.0.1";
  int port = 6379;
  std::chrono::milliseconds connect_within{100};
  std::chrono::milliseconds answer_within{50};
  std::chrono::milliseconds stay_away{5000};  // after it could not be reached
  bool warns = true;                          // once, when it cannot be reached
};

class RedisCache : public SharedCache {
 public:
  // "host:port".
  static Result<RedisOptions> ParseAddress(std::string_view address);
  // Connects when it is first asked.
  static std::shared_ptr<RedisCache> Make(const RedisOptions& options);
};

}  // namespace sotto
