#include "server/access.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/mapped_file.h"
#include "base/unique_id.h"
#include "server/json_fields.h"
#include "server/secrets.h"
#include "workflow/suggest.h"

namespace sotto {
namespace {

constexpr std::string_view kPrefix = "sotto_";
constexpr size_t kIdLetters = 8;

Client Anybody() { return {kAnybody, kScopes}; }

bool IsThisMachine(std::string_view peer) {
  // Empty: no socket, somebody in this process asks.
  return peer.empty() || peer.starts_with("127.") || peer == "::1" || peer.starts_with("::ffff:127.");
}

Result<ApiKey> ReadKey(const Json& json, size_t number) {
  JsonFields fields(json, fmt::format("keys[{}].", number));
  ApiKey key;
  fields.Require("name", fields.Text("name", &key.name, 100));
  const bool certified = fields.Text("certificate", &key.certificate, 200);
  const bool has_id = fields.Text("id", &key.id, 32);
  const bool has_hash = fields.Text("hash", &key.hash, 64);
  fields.Require("id", has_id || (certified && !has_hash));
  fields.Require("hash", has_hash || (certified && !has_id));
  int64_t per_minute = key.per_minute;
  int64_t at_once = key.at_once;
  fields.Integer("per_minute", &per_minute, 1, 100'000'000);
  fields.Integer("at_once", &at_once, 1, 1'000'000);
  key.per_minute = static_cast<int>(per_minute);
  key.at_once = static_cast<int>(at_once);
  if (const Json* scopes = fields.Array("scopes", kScopes.size())) {
    for (const Json& scope : *scopes) {
      if (!scope.is_string() || std::find(kScopes.begin(), kScopes.end(), scope) == kScopes.end()) {
        fields.Wrong("scopes", fmt::format("of {}", fmt::join(kScopes, ", ")));
      } else {
        key.scopes.push_back(scope);
      }
    }
  }
  SOTTO_RETURN_IF_ERROR(fields.Done());
  return key;
}

// "https://a.example:444/x" -> "a.example:444".
std::string_view HostOf(std::string_view origin) {
  const size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return {};
  origin.remove_prefix(scheme + 3);
  return origin.substr(0, origin.find('/'));
}

std::string_view WithoutPort(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

}  // namespace

Result<KeyFile> KeyFile::Read(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(text, path.string()));
  JsonFields fields(json);
  KeyFile file;
  fields.Require("hash_key", fields.Text("hash_key", &file.hash_key, 128));
  if (const Json* keys = fields.Array("keys", 100000)) {
    for (const Json& key : *keys) {
      auto read = ReadKey(key, file.keys.size());
      if (!read) return WithContext(std::move(read).error(), path.string());
      file.keys.push_back(*std::move(read));
    }
  }
  if (auto done = fields.Done(); !done) return WithContext(std::move(done).error(), path.string());
  return file;
}

Result<void> KeyFile::Write(const std::filesystem::path& path) const {
  Json json = {{"hash_key", hash_key}, {"keys", Json::array()}};
  for (const ApiKey& key : keys) {
    Json one = {{"name", key.name}};
    if (!key.id.empty()) one.update({{"id", key.id}, {"hash", key.hash}});
    if (!key.certificate.empty()) one["certificate"] = key.certificate;
    one.update({{"scopes", key.scopes}, {"per_minute", key.per_minute}, {"at_once", key.at_once}});
    json["keys"].push_back(std::move(one));
  }
  return WriteFileAtomically(path, json.dump(2) + "\n");
}

Result<std::string> KeyFile::Add(ApiKey key) {
  if (hash_key.empty()) hash_key = UniqueId() + UniqueId();
  for (const ApiKey& other : keys) {
    if (other.name == key.name)
      return MakeError(ErrorCode::kInvalidArgument, "there is a key of the name '{}' already", key.name);
    if (!key.certificate.empty() && other.certificate == key.certificate) {
      return MakeError(ErrorCode::kInvalidArgument, "the key '{}' is that of the certificate '{}' already",
                       other.name, key.certificate);
    }
  }
  for (const std::string& scope : key.scopes) {
    if (std::find(kScopes.begin(), kScopes.end(), scope) == kScopes.end()) {
      return MakeError(ErrorCode::kInvalidArgument, "no scope '{}': {}", scope, Suggestion(scope, kScopes));
    }
  }
  if (!key.certificate.empty()) {
    keys.push_back(std::move(key));
    return std::string();
  }
  key.id = UniqueId().substr(0, kIdLetters);
  const std::string secret = UniqueId();
  key.hash = ToHex(HmacSha256(hash_key, secret));
  keys.push_back(key);
  return fmt::format("{}{}_{}", kPrefix, key.id, secret);
}

bool KeyFile::Remove(std::string_view name) {
  return std::erase_if(keys, [&](const ApiKey& key) { return key.name == name; }) > 0;
}

struct Access::HeldCounts {
  std::mutex mutex;
  std::map<std::string, int> of;  // guarded by mutex; by name of the key
};

Access::Access(const Clock& clock, Options options)
    : clock_(clock),
      options_(std::move(options)),
      token_key_(UniqueId() + UniqueId()),
      held_(std::make_shared<HeldCounts>()) {}

Access::Checked<Access::Held> Access::Hold(const Client& client) {
  int most = std::numeric_limits<int>::max();
  if (!open_to_all()) {
    const std::lock_guard lock(mutex_);
    for (const ApiKey& key : keys_.keys)
      if (key.name == client.name) most = key.at_once;
  }
  const std::lock_guard lock(held_->mutex);
  int& count = held_->of[client.name];
  if (count >= most) {
    return tl::unexpected(Problem{429, "too_many_at_once",
                                  fmt::format("this key may have {} calls and sessions at once", most), 5});
  }
  ++count;
  return Held(static_cast<const void*>(held_.get()), [held = held_, name = client.name](const void*) {
    const std::lock_guard release(held->mutex);
    if (--held->of[name] == 0) held->of.erase(name);
  });
}

Result<std::unique_ptr<Access>> Access::Open(const Clock& clock, Options options) {
  std::unique_ptr<Access> access(new Access(clock, std::move(options)));
  SOTTO_RETURN_IF_ERROR(access->Reload());
  return access;
}

Result<void> Access::Reload() {
  if (open_to_all()) return {};
  SOTTO_ASSIGN_OR_RETURN(KeyFile read, KeyFile::Read(options_.keys));
  const std::lock_guard lock(mutex_);
  keys_ = std::move(read);
  return {};
}

Access::Checked<Client> Access::Count(const ApiKey& key, std::vector<std::string> scopes) {
  Budget& budget =
      budgets_.try_emplace(key.name, Budget{static_cast<double>(key.per_minute), clock_.Now()}).first->second;
  const TimePoint now = clock_.Now();
  const double most = key.per_minute;
  budget.left = std::min(most, budget.left + Milliseconds(now - budget.at) / 60000 * most);
  budget.at = now;
  if (budget.left < 1) {
    return tl::unexpected(Problem{429, "rate_limited",
                                  fmt::format("this key may ask {} times a minute", key.per_minute),
                                  std::max(1, 60 / key.per_minute)});
  }
  budget.left -= 1;
  return Client{key.name, std::move(scopes), false};
}

Access::Checked<Client> Access::CheckKey(std::string_view given) {
  const Problem wrong{401, "unauthorized", "this key or token is not known, or no longer"};
  if (!given.starts_with(kPrefix) || given.size() < kPrefix.size() + kIdLetters + 2)
    return tl::unexpected(wrong);
  const std::string_view id = given.substr(kPrefix.size(), kIdLetters);
  const std::string_view secret = given.substr(kPrefix.size() + kIdLetters + 1);
  const std::lock_guard lock(mutex_);
  const std::string hash = ToHex(HmacSha256(keys_.hash_key, secret));
  for (const ApiKey& key : keys_.keys) {
    if (key.id == id && SameSecret(key.hash, hash)) return Count(key, key.scopes);
  }
  return tl::unexpected(wrong);
}

Access::Checked<Client> Access::CheckCertificate(const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : names) {
    for (const ApiKey& key : keys_.keys) {
      if (key.certificate != name) continue;
      auto client = Count(key, key.scopes);
      if (client) client->by_certificate = true;
      return client;
    }
  }
  return tl::unexpected(
      Problem{401, "unauthorized",
              "no key is that of this client certificate (`sotto keys add NAME --certificate "
              "CERTIFICATE_NAME`), and there is no Authorization: Bearer KEY"});
}

// "<expires>.<name in base64url>.<signature>"
std::string Access::NewToken(const Client& client) const {
  const auto expires = std::chrono::duration_cast<std::chrono::seconds>(
      (clock_.WallNow() + options_.token_lasts).time_since_epoch());
  const std::string signed_part = fmt::format("{}.{}", expires.count(), ToBase64Url(client.name));
  return signed_part + "." + ToBase64Url(HmacSha256(token_key_, signed_part));
}

Access::Checked<Client> Access::CheckToken(std::string_view token) {
  if (open_to_all()) return Anybody();
  if (token.empty()) {
    return tl::unexpected(Problem{401, "unauthorized", "this needs an API key: Authorization: Bearer KEY"});
  }
  if (token.starts_with(kPrefix)) return CheckKey(token);
  const Problem wrong{401, "unauthorized", "this token has expired or is not one of ours; ask for another"};
  const size_t last = token.rfind('.');
  const size_t first = token.find('.');
  if (last == std::string_view::npos || first == last) return tl::unexpected(wrong);
  const std::string signature = ToBase64Url(HmacSha256(token_key_, token.substr(0, last)));
  if (!SameSecret(signature, token.substr(last + 1))) return tl::unexpected(wrong);
  int64_t expires = 0;
  std::from_chars(token.data(), token.data() + first, expires);
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.WallNow().time_since_epoch());
  std::string name;
  if (now.count() >= expires || !FromBase64(token.substr(first + 1, last - first - 1), &name))
    return tl::unexpected(wrong);
  const std::lock_guard lock(mutex_);
  for (const ApiKey& key : keys_.keys) {
    if (key.name != name) continue;
    Checked<Client> client = Count(key, {scope::kTalk});
    if (client) client->by_token = true;
    return client;
  }
  return tl::unexpected(wrong);
}

Access::Checked<Client> Access::Check(const WebRequest& request) {
  if (const auto origin = CheckOrigin(request); !origin) return tl::unexpected(origin.error());
  if (open_to_all()) return Anybody();
  const std::string* header = request.Header("authorization");
  if (header == nullptr && !request.certificate.empty()) return CheckCertificate(request.certificate);
  if (header == nullptr) return CheckToken({});
  if (header->size() < 7 || !(header->starts_with("Bearer ") || header->starts_with("bearer "))) {
    return tl::unexpected(Problem{401, "unauthorized", "Authorization should read: Bearer KEY"});
  }
  return CheckToken(std::string_view(*header).substr(7));
}

Access::Checked<void> Access::CheckOrigin(const WebRequest& request) const {
  const std::string* host = request.Header("host");
  // Whoever reaches the port may say any name: without keys and without names of its own only this machine is answered.
  if (open_to_all() && options_.hosts.empty() && !IsThisMachine(request.peer)) {
    return tl::unexpected(
        Problem{403, "wrong_peer",
                "this server has no API keys and answers to this machine alone; see --keys, or "
                "--host where everybody who reaches it may do everything"});
  }
  if (open_to_all() && host != nullptr) {
    const std::string_view name = WithoutPort(*host);
    const bool ours = name == "localhost" || name == "127.0.0.1" || name == "[::1]" ||
                      std::find(options_.hosts.begin(), options_.hosts.end(), name) != options_.hosts.end();
    if (!ours) {
      return tl::unexpected(Problem{403, "wrong_host",
                                    "this server has no API keys and answers to localhost alone; see --keys "
                                    "and --host"});
    }
  }
  const std::string* origin = request.Header("origin");
  if (origin == nullptr) return {};
  if (host != nullptr && HostOf(*origin) == *host) return {};
  if (std::find(options_.origins.begin(), options_.origins.end(), *origin) != options_.origins.end())
    return {};
  return tl::unexpected(
      Problem{403, "wrong_origin", "pages of another origin may not ask here; see --origin"});
}

}  // namespace sotto
