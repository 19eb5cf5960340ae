#include "route/central_cache.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/absence.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/own_threads.h"
#include "core/turn_record.h"

namespace sotto {
namespace {

constexpr size_t kMostAnswerBytes = size_t{256} << 10;
constexpr size_t kMostSending = 256;  // entries on their way; what comes then is not kept there
constexpr const char* kPath = "/v1/cache/understandings";

class CentralCacheImpl final : public CentralCache {
 public:
  explicit CentralCacheImpl(CentralOptions options)
      : options_(std::move(options)),
        origin_(HttpOrigin(options_.base_url)),
        url_(options_.base_url + kPath),
        absence_("cache at " + origin_, "what it keeps", options_.stay_away, options_.warns),
        http_(MakeHttpClient()) {}
  ~CentralCacheImpl() override { http_.reset(); }  // told kCancelled while everything else is there

  void Find(const std::string& key, Found found) override {
    {
      const std::unique_lock lock(mutex_);
      if (!absence_.MayAsk(clock_.Now())) {
        ++counters_.failed;
      } else {
        auto& waiting = asked_[key];
        waiting.push_back(std::move(found));
        if (waiting.size() > 1) return;
        found = nullptr;
      }
    }
    if (found) return found(std::nullopt);
    http_->Start(Request("GET", "/" + key), nullptr, [this, key](Result<HttpAnswer> answer) {
      const OwnThreads::Inside inside;
      OnFound(key, std::move(answer));
    });
  }

  void Keep(const std::string& key, const Understanding& understanding, Duration ttl,
            const std::vector<std::string>& tags) override {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(ttl).count();
    if (ms <= 0) return;
    Understanding kept = understanding;
    kept.route.clear();
    HttpRequest request = Request("PUT", "/" + key);
    request.body = Json{{"understanding", ToJson(kept)}, {"ttl_ms", ms}, {"tags", tags}}.dump(
        -1, ' ', false, Json::error_handler_t::replace);
    request.headers.emplace_back("Content-Type", "application/json");
    {
      const std::unique_lock lock(mutex_);
      if (!absence_.MayAsk(clock_.Now()) || sending_ >= kMostSending) {
        ++counters_.failed;
        return;
      }
      ++sending_;
    }
    if (options_.on_sending) {
      if (const auto allowed = options_.on_sending(request.body.size()); !allowed) {
        Log().error("cache at {}: {}", origin_, allowed.error().message);
        return Sent(false);
      }
    }
    http_->Start(std::move(request), nullptr, [this](Result<HttpAnswer> answer) {
      const OwnThreads::Inside inside;
      Sent(IsAnswer(answer) && answer->ok());
    });
  }

  void Forget(const std::string& tag) override {
    {
      const std::unique_lock lock(mutex_);
      ++sending_;
    }
    http_->Start(Request("DELETE", TagQuery(tag)), nullptr, [this](Result<HttpAnswer> answer) {
      const OwnThreads::Inside inside;
      (void)IsAnswer(answer);
      const std::unique_lock lock(mutex_);
      --sending_;
      settled_.notify_all();
    });
  }

  Counters counters() const override {
    const std::unique_lock lock(mutex_);
    return counters_;
  }

  void Settle() override {
    std::unique_lock lock(mutex_);
    settled_.wait(lock, [this] { return sending_ == 0 && asked_.empty(); });
  }

  Result<size_t> Count() override { return NumberOf(Request("GET", ""), "entries"); }
  Result<size_t> Remove(const std::string& tag) override {
    return NumberOf(Request("DELETE", TagQuery(tag)), "removed");
  }

 private:
  HttpRequest Request(std::string method, const std::string& rest) const {
    HttpRequest request;
    request.method = std::move(method);
    request.url = url_ + rest;
    request.connect = options_.connect_within;
    request.timeout = options_.connect_within + options_.answer_within;
    request.max_answer_bytes = kMostAnswerBytes;
    if (!options_.key.empty()) request.headers.emplace_back("Authorization", "Bearer " + options_.key);
    return request;
  }

  static std::string TagQuery(const std::string& tag) { return tag.empty() ? "" : "?tag=" + UrlEscape(tag); }

  // Whether it is a cache that answered: it has the key, has not, or took it. Anything else leaves it alone for a while.
  bool IsAnswer(const Result<HttpAnswer>& answer) {
    std::string why;
    if (!answer) {
      if (answer.error().code == ErrorCode::kCancelled) return false;
      why = answer.error().message;
      if (why.starts_with(origin_ + ": ")) why.erase(0, origin_.size() + 2);
    } else if (answer->ok() ||
               (answer->status == 404 && answer->body.find("not_kept") != std::string::npos)) {
      const std::unique_lock lock(mutex_);
      absence_.Answered();
      return true;
    } else {
      why = fmt::format("answered {}", answer->status);
    }
    const std::unique_lock lock(mutex_);
    absence_.Lost(why, clock_.Now());
    return false;
  }

  void OnFound(const std::string& key, Result<HttpAnswer> answer) {
    std::optional<Understanding> understanding;
    const bool asked = IsAnswer(answer);
    bool damaged = false;
    if (asked && answer->ok()) {
      if (const auto json = ParseJson(answer->body, "cache")) {
        if (auto read = UnderstandingFromJson(*json)) understanding = *std::move(read);
      }
      damaged = !understanding;
    }
    std::vector<Found> waiting;
    {
      const std::unique_lock lock(mutex_);
      waiting = std::move(asked_[key]);
      const uint64_t n = waiting.size();
      (!asked ? counters_.failed : understanding ? counters_.hits : counters_.misses) += n;
      if (damaged) ++counters_.dropped;
    }
    if (damaged) Log().warn("cache at {}: a damaged entry was passed over", origin_);
    for (Found& found : waiting) found(understanding);
    const std::unique_lock lock(mutex_);
    // Who asked while the others were told asks again.
    if (const auto entry = asked_.find(key); entry != asked_.end() && entry->second.empty())
      asked_.erase(entry);
    settled_.notify_all();
  }

  void Sent(bool kept) {
    const std::unique_lock lock(mutex_);
    ++(kept ? counters_.kept : counters_.failed);
    --sending_;
    settled_.notify_all();
  }

  Result<size_t> NumberOf(HttpRequest request, const char* field) {
    request.timeout = std::chrono::seconds(10);  // somebody waits for it at a terminal
    SOTTO_ASSIGN_OR_RETURN(const HttpAnswer answer, http_->Send(std::move(request)));
    if (!answer.ok())
      return MakeError(ErrorCode::kUnavailable, "cache at {}: answered {}", origin_, answer.status);
    SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(answer.body, origin_));
    if (!json.is_object() || !json.contains(field) || !json[field].is_number_unsigned())
      return MakeError(ErrorCode::kCorrupt, "cache at {}: answered without '{}'", origin_, field);
    return json[field].get<size_t>();
  }

  const CentralOptions options_;
  const std::string origin_;
  const std::string url_;
  const SystemClock clock_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  Counters counters_;
  std::map<std::string, std::vector<Found>> asked_;  // keys that are being asked for, and who waits
  size_t sending_ = 0;
  Absence absence_;
  std::condition_variable settled_;
  std::unique_ptr<HttpClient> http_;  // ends first
};

}  // namespace

Result<void> CentralCache::CheckAddress(std::string_view base_url) {
  const bool scheme = base_url.starts_with("http://") || base_url.starts_with("https://");
  if (!scheme || HttpOrigin(base_url).empty() || base_url.ends_with('/') ||
      base_url.find_first_of("?#@ ") != std::string_view::npos) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "'{}' is no address of a cache, such as https://cache.example:8080",
                     HttpOrigin(base_url));
  }
  return {};
}

bool CentralCache::IsHere(std::string_view base_url) {
  const std::string origin = HttpOrigin(base_url);
  std::string_view host = origin;
  host.remove_prefix(std::min(host.find("://") + 3, host.size()));
  if (host.starts_with('[')) return host.starts_with("[::1]");
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host == "127.0.0.1";
}

std::shared_ptr<CentralCache> CentralCache::Make(CentralOptions options) {
  return OwnThreads::Share(new CentralCacheImpl(std::move(options)));
}

}  // namespace sotto
