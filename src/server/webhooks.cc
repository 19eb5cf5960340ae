#include "server/webhooks.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "base/log.h"
#include "base/mapped_file.h"
#include "base/unique_id.h"
#include "base/utc.h"
#include "server/secrets.h"

namespace sotto {
namespace {

using std::chrono::seconds;

constexpr std::array<seconds, 6> kPauses{seconds(5),    seconds(30),   seconds(300),
                                         seconds(1800), seconds(7200), seconds(28800)};
constexpr std::chrono::milliseconds kAnsweredWithin{15000};  // as the specification asks for
constexpr std::string_view kSecretPrefix = "whsec_";
constexpr const char* kEnding = ".event.json";

// One event on its way to one address.
struct UntakenEvent {
  std::string id;  // "msg_...": the same each time it is sent
  std::string url;
  std::string body;
  size_t tries = 0;
};

}  // namespace

struct Webhooks::Shared {
  Scheduler* scheduler = nullptr;
  WebhookOptions options;
  std::string key;
  std::unique_ptr<HttpClient> http = MakeHttpClient();
  std::atomic<uint64_t> delivered{0};
  std::atomic<uint64_t> retried{0};
  std::atomic<uint64_t> given_up{0};
  std::atomic<size_t> waiting{0};

  std::filesystem::path FileOf(const UntakenEvent& event) const {
    return options.folder / (event.id + kEnding);
  }

  Result<void> Keep(const UntakenEvent& event) const {
    if (options.folder.empty()) return {};
    const Json json{{"id", event.id}, {"url", event.url}, {"body", event.body}, {"tries", event.tries}};
    return WriteFileAtomically(FileOf(event), json.dump());
  }
  void Forget(const UntakenEvent& event) {
    --waiting;
    std::error_code ignored;
    if (!options.folder.empty()) std::filesystem::remove(FileOf(event), ignored);
  }
};

namespace {

// `shared` is gone where the server is.
template <typename Shared>
void Send(const std::shared_ptr<Shared>& shared, UntakenEvent event, Duration after) {
  shared->scheduler->Post(
      {.blocks = true, .not_before = shared->scheduler->clock().Now() + after, .what = "a webhook"},
      [weak = std::weak_ptr(shared), event = std::move(event)](std::stop_token stop) mutable {
        const auto self = weak.lock();
        if (self == nullptr) return;
        const std::string timestamp = std::to_string(
            std::chrono::duration_cast<seconds>(self->scheduler->clock().WallNow().time_since_epoch())
                .count());
        const auto answer = self->http->Send(
            {.method = "POST",
             .url = event.url,
             .headers = {{"Content-Type", "application/json"},
                         {"webhook-id", event.id},
                         {"webhook-timestamp", timestamp},
                         {"webhook-signature", WebhookSignature(self->key, event.id, timestamp, event.body)}},
             .body = event.body,
             .timeout = kAnsweredWithin,
             .stop = stop});
        if (answer && answer->ok()) {
          ++self->delivered;
          return self->Forget(event);
        }
        const std::string why = answer ? fmt::format("HTTP {}", answer->status) : answer.error().message;
        // 410: "do not tell me again".
        if (event.tries >= kPauses.size() || (answer && answer->status == 410)) {
          ++self->given_up;
          Log().error("webhook {} to {}: given up after {} tries: {}", event.id, HttpOrigin(event.url),
                      event.tries + 1, why);
          return self->Forget(event);
        }
        if (stop.stop_requested()) return;  // the next process sends it
        Log().warn("webhook {} to {}: {}; again in {} s", event.id, HttpOrigin(event.url), why,
                   kPauses[event.tries].count());
        ++self->retried;
        const Duration pause = kPauses[event.tries++];
        if (const auto kept = self->Keep(event); !kept) Log().error("webhook: {}", kept.error().message);
        Send(self, std::move(event), pause);
      });
}

Result<UntakenEvent> ReadEvent(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(text, path.string()));
  UntakenEvent event;
  const auto text_of = [&](const char* name, std::string* value) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_string()) return false;
    *value = found->get<std::string>();
    return true;
  };
  if (!json.is_object() || !text_of("id", &event.id) || !text_of("url", &event.url) ||
      !text_of("body", &event.body))
    return MakeError(ErrorCode::kCorrupt, "{}: no event that waits", path.string());
  return event;
}

}  // namespace

std::string WebhookSignature(std::string_view key, std::string_view id, std::string_view timestamp,
                             std::string_view body) {
  return "v1," + ToBase64(HmacSha256(key, fmt::format("{}.{}.{}", id, timestamp, body)));
}

Result<std::unique_ptr<Webhooks>> Webhooks::Open(Scheduler& scheduler, WebhookOptions options) {
  auto shared = std::make_shared<Shared>();
  shared->scheduler = &scheduler;
  shared->options = std::move(options);
  for (const std::string& url : shared->options.urls) {
    if (HttpOrigin(url).empty() || (!url.starts_with("http://") && !url.starts_with("https://")))
      return MakeError(ErrorCode::kInvalidArgument, "webhook: '{}' is no address", HttpOrigin(url));
  }
  const std::string& secret = shared->options.secret;
  if (!shared->options.urls.empty() &&
      (!secret.starts_with(kSecretPrefix) || !FromBase64(secret.substr(kSecretPrefix.size()), &shared->key) ||
       shared->key.size() < 24))
    return MakeError(ErrorCode::kInvalidArgument,
                     "webhooks need a secret of the form whsec_BASE64, of at least 24 bytes "
                     "(`echo whsec_$(openssl rand -base64 32)`)");
  std::unique_ptr<Webhooks> webhooks(new Webhooks(shared));
  const std::filesystem::path& folder = shared->options.folder;
  if (folder.empty()) return webhooks;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return MakeError(ErrorCode::kIo, "cannot make {}: {}", folder.string(), error.message());
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (!entry.path().string().ends_with(kEnding)) continue;
    auto event = ReadEvent(entry.path());
    if (!event) {
      Log().error("webhook: {}", event.error().message);
      continue;
    }
    ++shared->waiting;
    Send(shared, *std::move(event), Duration::zero());
  }
  return webhooks;
}

Webhooks::~Webhooks() = default;

void Webhooks::Tell(const std::string& type, Json data) {
  if (shared_->options.urls.empty()) return;
  const std::string body = Json{
      {"type", type},
      {"timestamp", UtcStamp(shared_->scheduler->clock().WallNow())},
      {"data",
       std::move(data)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  for (const std::string& url : shared_->options.urls) {
    UntakenEvent event{"msg_" + UniqueId(), url, body};
    ++shared_->waiting;
    if (const auto kept = shared_->Keep(event); !kept) Log().error("webhook: {}", kept.error().message);
    Send(shared_, std::move(event), Duration::zero());
  }
}

Webhooks::Counters Webhooks::counters() const {
  return {shared_->delivered, shared_->retried, shared_->given_up, shared_->waiting};
}

}  // namespace sotto
