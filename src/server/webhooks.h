// Tells other systems that something happened: a POST of {"type", "timestamp", "data"}, signed as Standard Webhooks 1.0
// (standardwebhooks.com) says and sent again until it is taken. docs/formats/webhooks.md lists the events.
//
//   Tell -> on the disk -> sent -> 2xx: gone | else: again after 5 s, 30 s, 5 min, 30 min, 2 h, 8 h -> given up, logged
//
// What waits survives a restart where there is a folder for it. An event may come twice (its id is the same then), never
// not at all before it is given up. Any thread; nothing here waits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/http_client.h"
#include "base/scheduler.h"
#include "core/json.h"

namespace sotto {

struct WebhookOptions {
  std::vector<std::string> urls = {};  // each is told everything; none: nobody is told
  std::string secret = {};             // "whsec_" and base64; required where there are urls
  std::filesystem::path folder = {};   // of what waits; empty: it is forgotten with the process
};

class Webhooks {
 public:
  struct Counters {
    uint64_t delivered = 0;
    uint64_t retried = 0;
    uint64_t given_up = 0;
    size_t waiting = 0;  // now
  };

  // `scheduler` outlives it. Sends what an earlier process left. kInvalidArgument: an address that is none, a
  // secret that is none; kIo: the folder.
  static Result<std::unique_ptr<Webhooks>> Open(Scheduler& scheduler, WebhookOptions options);
  // What waits stays on the disk.
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

  void Tell(const std::string& type, Json data);
  Counters counters() const;

 private:
  struct Shared;
  explicit Webhooks(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  const std::shared_ptr<Shared> shared_;
};

// "v1,BASE64" of HMAC-SHA-256 over "id.timestamp.body". `key`: the secret's bytes.
std::string WebhookSignature(std::string_view key, std::string_view id, std::string_view timestamp,
                             std::string_view body);

}  // namespace sotto
