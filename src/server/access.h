// Who may do what: API keys, of which the file holds only keyed hashes, short-lived tokens for browsers, the
// check of where a page came from, and how often each key may ask. Without a key file everybody who reaches
// the port may do everything, and only names of this machine are answered to (a page elsewhere that has its
// name point here is not).
//
// The file is JSON: {"hash_key": hex, "keys": [{"name", "id", "hash", "scopes": [...], "per_minute"?,
// "at_once"?, "certificate"?}]}; `sotto keys add` writes it. A key with "certificate" is that of whoever shows a client
// certificate of that name (mutual TLS); it may have no secret, then id and hash are absent. A key reads "sotto_<id>_<secret>"; `hash` is
// HMAC-SHA-256 of the secret under `hash_key`. Any thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/clock.h"
#include "server/client.h"
#include "server/http.h"
#include "server/problem.h"

namespace sotto {

struct ApiKey {
  std::string name;
  std::string id = {};    // 8 letters, in the key itself
  std::string hash = {};  // hex
  std::vector<std::string> scopes = {};
  int per_minute = 6000;         // requests
  int at_once = 1000;            // calls and sessions
  std::string certificate = {};  // a name in the client certificate whose holder this is; empty: none
};

struct KeyFile {
  std::string hash_key;  // hex
  std::vector<ApiKey> keys;

  static Result<KeyFile> Read(const std::filesystem::path& path);
  Result<void> Write(const std::filesystem::path& path) const;
  // The key itself, which nobody can find out later; of one with a certificate empty: it has no secret. The error: the
  // name or the certificate's is taken, a scope is unknown.
  Result<std::string> Add(ApiKey key);
  // False: there is no key of that name.
  bool Remove(std::string_view name);
};

class Access {
 public:
  struct Options {
    std::filesystem::path keys = {};        // empty: none are needed
    std::vector<std::string> origins = {};  // of pages elsewhere that may ask: "https://shop.example"
    std::vector<std::string> hosts = {};    // names of this machine, besides localhost
    std::chrono::seconds token_lasts{600};
  };
  template <typename T>
  using Checked = tl::expected<T, Problem>;

  static Result<std::unique_ptr<Access>> Open(const Clock& clock, Options options);

  bool open_to_all() const { return options_.keys.empty(); }
  // Reads the keys again. Tokens of keys that are gone end.
  Result<void> Reload();

  // Of the request's Authorization, or where there is none of its certificate; 401, 403 (the page is elsewhere), 429.
  Checked<Client> Check(const WebRequest& request);
  // The same for what stands in a message instead of a header.
  Checked<Client> CheckToken(std::string_view token);
  // Whether Check looks at the request's own headers and certificate, and at no message that comes later.
  bool Introduced(const WebRequest& request) const {
    return open_to_all() || request.Header("authorization") != nullptr || !request.certificate.empty();
  }
  // The page that asks is ours, or no page asks: 403.
  Checked<void> CheckOrigin(const WebRequest& request) const;

  // One more call or session of this client's, for as long as what is returned lives: 429 where the key has as
  // many as it may have. May outlive this.
  using Held = std::shared_ptr<const void>;
  Checked<Held> Hold(const Client& client);

  // For a page: lasts as long as options say, and may only talk.
  std::string NewToken(const Client& client) const;
  std::chrono::seconds token_lasts() const { return options_.token_lasts; }

 private:
  Access(const Clock& clock, Options options);
  Checked<Client> Count(const ApiKey& key, std::vector<std::string> scopes);
  Checked<Client> CheckKey(std::string_view key);
  Checked<Client> CheckCertificate(const std::vector<std::string>& names);

  struct Budget {
    double left = 0;
    TimePoint at{};
  };

  const Clock& clock_;
  const Options options_;
  const std::string token_key_;  // of this process
  std::mutex mutex_;
  KeyFile keys_;                           // guarded by mutex_
  std::map<std::string, Budget> budgets_;  // guarded by mutex_; by name
  struct HeldCounts;
  const std::shared_ptr<HeldCounts> held_;
};

}  // namespace sotto
