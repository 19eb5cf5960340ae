// Against a real redis-server of this test's own, on a free port; skipped where none is installed.
#include "route/redis_cache.h"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/wait.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "log_reader.h"
#include "loopback_server.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using namespace std::chrono_literals;

Understanding Meant(std::string tool) {
  Understanding understanding;
  understanding.calls.push_back({ToolCall{std::move(tool), {{"amount", 20}}}, 0.9, {{"amount", 0.9}}});
  understanding.confidence = 0.9;
  understanding.model = "small";
  return understanding;
}

class RedisServer {
 public:
  RedisServer() {
    {
      port_ = LoopbackServer([](int) {}).port();
    }  // free a moment ago
    pid_ = fork();
    if (pid_ == 0) {
      const std::string port = std::to_string(port_);
      execlp("redis-server", "redis-server", "--port", port.c_str(), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", folder_.path().c_str(), "--logfile", "redis.log", nullptr);
      _exit(127);
    }
    for (int i = 0; i < 600 && !up_; ++i) {
      int status = 0;
      if (waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = -1;
        return;
      }
      redisContext* context = redisConnectWithTimeout("127.0.0.1", port_, {0, 100000});
      up_ = context != nullptr && context->err == 0;
      redisFree(context);
      if (!up_) std::this_thread::sleep_for(20ms);  // until another program is there
    }
  }
  ~RedisServer() { Stop(); }
  void Stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  bool up() const { return up_; }
  RedisOptions options() const {
    RedisOptions options;
    options.port = port_;
    options.connect_within = 10s;  // a busy machine is no fault
    options.answer_within = 10s;
    return options;
  }
  void Run(const std::string& command) const {
    redisContext* context = redisConnectWithTimeout("127.0.0.1", port_, {10, 0});
    freeReplyObject(redisCommand(context, command.c_str()));
    redisFree(context);
  }

 private:
  TempFolder folder_;
  int port_ = 0;
  pid_t pid_ = -1;
  bool up_ = false;
};

std::optional<Understanding> Find(AnswerCache& cache, const std::string& key) {
  std::mutex mutex;
  std::condition_variable told;
  std::optional<std::optional<Understanding>> answer;
  cache.Find(key, [&](std::optional<Understanding> found) {
    const std::lock_guard lock(mutex);
    answer.emplace(std::move(found));
    told.notify_one();
  });
  std::unique_lock lock(mutex);
  told.wait(lock, [&] { return answer.has_value(); });
  return *answer;
}

#define START_OR_SKIP(server) \
  RedisServer server;         \
  if (!server.up()) GTEST_SKIP() << "redis-server is not installed"

TEST(RedisCache, ProcessesShareWhatTheyUnderstood) {
  START_OR_SKIP(server);
  const auto writer = RedisCache::Make(server.options());
  const auto reader = RedisCache::Make(server.options());
  writer->Keep("a", Meant("balance"), 1h, {"banking", "banking/balance"});
  writer->Keep("b", Meant("limit"), 1h, {"banking", "banking/limit"});
  writer->Settle();
  const auto found = Find(*reader, "a");
  ASSERT_TRUE(found);
  EXPECT_EQ(ToString(found->calls[0].call), "balance(amount=20)");
  EXPECT_EQ(found->model, "small");
  EXPECT_FALSE(Find(*reader, "c"));
  EXPECT_EQ(reader->Count().value(), 2u);
  EXPECT_EQ(reader->counters().hits, 1u);
  EXPECT_EQ(reader->counters().misses, 1u);
  EXPECT_EQ(reader->Remove("banking/limit").value(), 1u);
  EXPECT_FALSE(Find(*reader, "b"));
  EXPECT_TRUE(Find(*reader, "a"));
  EXPECT_EQ(reader->Remove("").value(), 1u);
  EXPECT_FALSE(Find(*reader, "a"));
}

TEST(RedisCache, AnEntryHasItsTime) {
  START_OR_SKIP(server);
  const auto cache = RedisCache::Make(server.options());
  cache->Keep("a", Meant("balance"), 1ms, {"banking"});
  cache->Keep("b", Meant("balance"), 0ms, {"banking"});
  cache->Settle();
  std::this_thread::sleep_for(20ms);  // of the server's own clock
  EXPECT_FALSE(Find(*cache, "a"));
  EXPECT_FALSE(Find(*cache, "b"));
}

TEST(RedisCache, WhatIsDamagedIsDiscarded) {
  START_OR_SKIP(server);
  const auto cache = RedisCache::Make(server.options());
  const LogReader log;
  for (const char* bad : {"{", "[]", "{\"calls\":[]}", "{\"calls\":[{\"name\":7}]}"}) {
    server.Run(std::string("SET sotto:u1:x ") + bad);
    EXPECT_FALSE(Find(*cache, "x")) << bad;
    EXPECT_EQ(cache->Count().value(), 0u);
  }
  server.Run("HSET sotto:u1:x a b");  // not even a text
  EXPECT_FALSE(Find(*cache, "x"));
  EXPECT_NE(log.text().find("a damaged entry was deleted"), std::string::npos);
}

TEST(RedisCache, GoesOnWithoutItAndSaysSoOnce) {
  START_OR_SKIP(server);
  RedisOptions options = server.options();
  options.stay_away = 0ms;
  const auto cache = RedisCache::Make(options);
  cache->Keep("a", Meant("balance"), 1h, {"banking"});
  cache->Settle();
  EXPECT_TRUE(Find(*cache, "a"));
  const LogReader log;
  server.Stop();
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(Find(*cache, "a"));
  cache->Keep("b", Meant("balance"), 1h, {"banking"});
  cache->Settle();
  const std::string said = log.text();
  const size_t first = said.find("going on without what it keeps");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(said.find("going on without what it keeps", first + 1), std::string::npos);
  EXPECT_EQ(cache->counters().failed, 6u);
}

TEST(RedisCache, AddressesThatAreNone) {
  EXPECT_TRUE(RedisCache::ParseAddress("127.0.0.1:6379"));
  for (const char* bad : {"", "localhost", ":6379", "a:", "a:0", "a:70000", "a:12x"})
    EXPECT_FALSE(RedisCache::ParseAddress(bad)) << bad;
}

}  // namespace
}  // namespace sotto
