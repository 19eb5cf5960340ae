#include "route/redis_cache.h"

#include <hiredis/hiredis.h>
#include <signal.h>

#include <charconv>
#include <future>
#include <mutex>
#include <optional>

#include "base/absence.h"
#include "base/log.h"
#include "base/own_threads.h"
#include "base/scheduler.h"
#include "core/turn_record.h"

namespace sotto {
namespace {

constexpr std::string_view kPrefix = "sotto:u1:";
constexpr std::string_view kTagPrefix = "sotto:tag1:";
constexpr size_t kMostWaiting = 1000;
constexpr size_t kMostValueBytes = size_t{256} << 10;

struct FreeRedis {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeRedis>;

timeval ToTimeval(std::chrono::milliseconds ms) {
  return {static_cast<time_t>(ms.count() / 1000), static_cast<suseconds_t>(ms.count() % 1000 * 1000)};
}

// One connection, made when it is needed. One thread.
class Connection {
 public:
  Connection(const RedisOptions& options, const Clock& clock)
      : options_(options),
        clock_(clock),
        absence_(fmt::format("redis at {}:{}", options.host, options.port), "what it keeps",
                 options.stay_away, options.warns) {}

  Result<Reply> Do(const std::vector<std::string>& words) {
    SOTTO_RETURN_IF_ERROR(Connect());
    std::vector<const char*> texts;
    std::vector<size_t> sizes;
    for (const std::string& word : words) {
      texts.push_back(word.data());
      sizes.push_back(word.size());
    }
    Reply reply(static_cast<redisReply*>(
        redisCommandArgv(context_.get(), static_cast<int>(texts.size()), texts.data(), sizes.data())));
    if (reply == nullptr) return Lost(context_->errstr);
    if (reply->type == REDIS_REPLY_ERROR)
      return MakeError(ErrorCode::kIo, "{}: {}", absence_.who(), std::string_view(reply->str, reply->len));
    return reply;
  }

 private:
  Result<void> Connect() {
    if (context_ != nullptr) return {};
    if (!absence_.MayAsk(clock_.Now()))
      return MakeError(ErrorCode::kUnavailable, "{}: left alone for a while", absence_.who());
    // What is written to a server that has gone must not end the program.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    context_.reset(
        redisConnectWithTimeout(options_.host.c_str(), options_.port, ToTimeval(options_.connect_within)));
    if (context_ == nullptr) return Lost("no memory");
    if (context_->err != 0) return Lost(context_->errstr);
    redisSetTimeout(context_.get(), ToTimeval(options_.answer_within));
    absence_.Answered();
    return {};
  }

  tl::unexpected<Error> Lost(const std::string& why) {
    context_.reset();
    absence_.Lost(why, clock_.Now());
    return MakeError(ErrorCode::kUnavailable, "{}: {}", absence_.who(), why);
  }

  const RedisOptions options_;
  const Clock& clock_;
  std::unique_ptr<redisContext, FreeRedis> context_;
  Absence absence_;
};

class RedisCacheImpl final : public RedisCache {
 public:
  explicit RedisCacheImpl(const RedisOptions& options)
      : longest_(options.connect_within + options.answer_within),
        connection_(options, clock_),
        work_(clock_, {.threads = 1, .capacity = kMostWaiting}),
        strand_(work_.NewStrand()) {}

  void Find(const std::string& key, Found found) override {
    work_.Post(
        {.strand = strand_,
         .deadline = clock_.Now() + longest_,
         .priority = Priority::kUrgent,
         .what = "redis"},
        [this, key](std::stop_token) -> Result<std::optional<Understanding>> { return Get(key); },
        [this, found = std::move(found)](Result<std::optional<Understanding>> got) {
          const OwnThreads::Inside inside;
          Count([&](Counters& counters) {
            ++(!got ? counters.failed : *got ? counters.hits : counters.misses);
          });
          found(got ? *std::move(got) : std::nullopt);
        });
  }

  void Keep(const std::string& key, const Understanding& understanding, Duration ttl,
            const std::vector<std::string>& tags) override {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(ttl).count();
    if (ms <= 0) return;
    Understanding kept = understanding;
    kept.route.clear();
    work_.Post(
        {.strand = strand_, .priority = Priority::kIdle, .what = "redis"},
        [this, key, text = ToJson(kept).dump(), ms, tags](std::stop_token) { Set(key, text, ms, tags); });
  }

  void Forget(const std::string& tag) override {
    work_.Post({.strand = strand_, .what = "redis"}, [this, tag](std::stop_token) { (void)Delete(tag); });
  }

  Counters counters() const override {
    const std::lock_guard lock(mutex_);
    return counters_;
  }

  void Settle() override {
    (void)Wait<int>([](std::stop_token) -> Result<int> { return 0; });
  }
  Result<size_t> Count() override {
    return Wait<size_t>([this](std::stop_token) -> Result<size_t> {
      size_t n = 0;
      SOTTO_RETURN_IF_ERROR(Scan(std::string(kPrefix) + "*", [&](const std::string&) -> Result<void> {
        ++n;
        return {};
      }));
      return n;
    });
  }
  Result<size_t> Remove(const std::string& tag) override {
    return Wait<size_t>([this, tag](std::stop_token) { return Delete(tag); });
  }

 private:
  template <typename T, typename Work>
  Result<T> Wait(Work work) {
    std::promise<Result<T>> told;
    auto answer = told.get_future();
    work_.Post({.strand = strand_, .what = "redis"}, std::move(work),
               [&told](Result<T> result) { told.set_value(std::move(result)); });
    return answer.get();
  }

  void Count(const std::function<void(Counters&)>& change) {
    const std::lock_guard lock(mutex_);
    change(counters_);
  }

  Result<std::optional<Understanding>> Get(const std::string& key) {
    const std::string name = std::string(kPrefix) + key;
    SOTTO_ASSIGN_OR_RETURN(const Reply reply, connection_.Do({"GET", name}));
    if (reply->type == REDIS_REPLY_NIL) return std::nullopt;
    if (reply->type == REDIS_REPLY_STRING && reply->len <= kMostValueBytes) {
      if (const auto json = ParseJson(std::string_view(reply->str, reply->len), "redis")) {
        if (auto understanding = UnderstandingFromJson(*json)) return *std::move(understanding);
      }
    }
    Log().warn("redis: a damaged entry was deleted");
    Count([](Counters& counters) { ++counters.dropped; });
    (void)connection_.Do({"DEL", name});
    return std::nullopt;
  }

  void Set(const std::string& key, const std::string& text, int64_t ms,
           const std::vector<std::string>& tags) {
    const std::string name = std::string(kPrefix) + key;
    const std::string ttl = std::to_string(ms);
    if (!connection_.Do({"SET", name, text, "PX", ttl}))
      return Count([](Counters& counters) { ++counters.failed; });
    Count([](Counters& counters) { ++counters.kept; });
    for (const std::string& tag : tags) {
      const std::string set = std::string(kTagPrefix) + tag;
      if (!connection_.Do({"SADD", set, name})) return;
      const auto left = connection_.Do({"PTTL", set});
      // A tag lives as long as the last of its entries.
      if (left && (*left)->type == REDIS_REPLY_INTEGER && (*left)->integer < ms)
        (void)connection_.Do({"PEXPIRE", set, ttl});
    }
  }

  Result<size_t> Delete(const std::string& tag) {
    size_t n = 0;
    const auto remove = [&](const std::string& name) -> Result<void> {
      SOTTO_ASSIGN_OR_RETURN(const Reply reply, connection_.Do({"DEL", name}));
      if (reply->type == REDIS_REPLY_INTEGER && name.starts_with(kPrefix))
        n += static_cast<size_t>(reply->integer);
      return {};
    };
    if (tag.empty()) {
      SOTTO_RETURN_IF_ERROR(Scan(std::string(kPrefix) + "*", remove));
      SOTTO_RETURN_IF_ERROR(Scan(std::string(kTagPrefix) + "*", remove));
      return n;
    }
    const std::string set = std::string(kTagPrefix) + tag;
    SOTTO_ASSIGN_OR_RETURN(const Reply members, connection_.Do({"SMEMBERS", set}));
    if (members->type == REDIS_REPLY_ARRAY) {
      for (size_t i = 0; i < members->elements; ++i) {
        const redisReply* member = members->element[i];
        if (member->type == REDIS_REPLY_STRING)
          SOTTO_RETURN_IF_ERROR(remove(std::string(member->str, member->len)));
      }
    }
    SOTTO_RETURN_IF_ERROR(remove(set));
    return n;
  }

  // Every key of that pattern.
  Result<void> Scan(const std::string& pattern, const std::function<Result<void>(const std::string&)>& use) {
    std::string cursor = "0";
    std::vector<std::string> names;  // first all, then what is done with them: the cursor stays valid
    do {
      SOTTO_ASSIGN_OR_RETURN(const Reply reply,
                             connection_.Do({"SCAN", cursor, "MATCH", pattern, "COUNT", "1000"}));
      if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
          reply->element[1]->type != REDIS_REPLY_ARRAY)
        return MakeError(ErrorCode::kCorrupt, "redis: SCAN answered something else");
      cursor.assign(reply->element[0]->str, reply->element[0]->len);
      for (size_t i = 0; i < reply->element[1]->elements; ++i) {
        const redisReply* name = reply->element[1]->element[i];
        names.emplace_back(name->str, name->len);
      }
    } while (cursor != "0");
    for (const std::string& name : names) SOTTO_RETURN_IF_ERROR(use(name));
    return {};
  }

  const SystemClock clock_;
  const Duration longest_;
  Connection connection_;  // the strand's
  mutable std::mutex mutex_;
  Counters counters_;  // guarded by mutex_
  Scheduler work_;     // ends first
  const Scheduler::Strand strand_;
};

}  // namespace

Result<RedisOptions> RedisCache::ParseAddress(std::string_view address) {
  RedisOptions options;
  const size_t colon = address.rfind(':');
  const std::string_view port = colon == std::string_view::npos ? "" : address.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (colon == 0 || port.empty() || error != std::errc() || end != port.data() + port.size() ||
      options.port < 1 || options.port > 65535)
    return MakeError(ErrorCode::kInvalidArgument, "'{}' should be host:port, such as 127.0.0.1:6379",
                     address);
  options.host = address.substr(0, colon);
  return options;
}

std::shared_ptr<RedisCache> RedisCache::Make(const RedisOptions& options) {
  return OwnThreads::Share(new RedisCacheImpl(options));
}

}  // namespace sotto
