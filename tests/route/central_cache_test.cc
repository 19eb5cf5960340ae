// Against a server of this test's own that speaks as /v1/cache does, or does not.
#include "route/central_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>

#include "core/turn_record.h"
#include "log_reader.h"
#include "loopback_server.h"

namespace sotto {
namespace {

using namespace std::chrono_literals;

const std::string kKeyA(64, 'a');

Understanding CentrallyMeant(const std::string& tool) {
  Understanding understanding;
  understanding.calls.push_back(
      {ToolCall{tool, {{"account_type", "savings"}}}, 0.9, {{"account_type", 0.9}}});
  understanding.confidence = 0.9;
  understanding.model = "small";
  return understanding;
}

// One connection a request; `answer` gets method, path and body and says status and body.
class FakeCacheServer {
 public:
  using Answer =
      std::function<std::pair<int, std::string>(const std::string&, const std::string&, const std::string&)>;
  explicit FakeCacheServer(Answer answer)
      : answer_(std::move(answer)), server_([this](int connection) { Talk(connection); }) {}
  std::string url() const { return fmt::format("http://127.0.0.1:{}", server_.port()); }
  int asked() const { return asked_; }

 private:
  void Talk(int connection) {
    std::string got;
    char block[4096];
    size_t head = std::string::npos;
    size_t length = 0;
    while (head == std::string::npos || got.size() < head + 4 + length) {
      const ssize_t n = recv(connection, block, sizeof block, 0);
      if (n <= 0) return;
      got.append(block, static_cast<size_t>(n));
      head = got.find("\r\n\r\n");
      if (const size_t at = got.find("Content-Length: "); at != std::string::npos)
        length = static_cast<size_t>(std::atoi(got.c_str() + at + 16));
    }
    ++asked_;
    const size_t space = got.find(' ');
    const std::string path = got.substr(space + 1, got.find(' ', space + 1) - space - 1);
    const auto [status, body] = answer_(got.substr(0, space), path, got.substr(head + 4));
    if (status == 0) return;  // gone in the middle
    const std::string all = fmt::format(
        "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: "
        "close\r\n\r\n{}",
        status, body.size(), body);
    (void)send(connection, all.data(), all.size(), MSG_NOSIGNAL);
  }

  std::atomic<int> asked_{0};
  const Answer answer_;
  LoopbackServer server_;
};

CentralOptions OptionsFor(const FakeCacheServer& server) {
  CentralOptions options;
  options.base_url = server.url();
  options.connect_within = 10s;  // a busy machine is no fault
  options.answer_within = 10s;
  return options;
}

std::optional<Understanding> FindAndWait(AnswerCache& cache, const std::string& key) {
  std::mutex mutex;
  std::condition_variable told;
  bool there = false;
  std::optional<Understanding> result;
  cache.Find(key, [&](std::optional<Understanding> found) {
    const std::lock_guard lock(mutex);
    result = std::move(found);
    there = true;
    told.notify_all();
  });
  std::unique_lock lock(mutex);
  told.wait(lock, [&] { return there; });
  return result;
}

TEST(CentralCache, KeepsFindsAndForgets) {
  std::mutex mutex;
  std::map<std::string, Json> kept;
  FakeCacheServer server([&](const std::string& method, const std::string& path, const std::string& body) {
    const std::lock_guard lock(mutex);
    const std::string key = path.substr(path.rfind('/') + 1);
    if (method == "PUT") {
      kept[key] = Json::parse(body);
      return std::pair(204, std::string());
    }
    if (method == "DELETE") {
      EXPECT_EQ(path, "/v1/cache/understandings?tag=banking%2Fcheck_balance");
      kept.clear();
      return std::pair(200, std::string(R"({"removed": 1})"));
    }
    if (path == "/v1/cache/understandings")
      return std::pair(200, fmt::format(R"({{"entries": {}}})", kept.size()));
    const auto found = kept.find(key);
    if (found == kept.end()) return std::pair(404, std::string(R"({"type": "urn:sotto:problem:not_kept"})"));
    return std::pair(200, found->second["understanding"].dump());
  });
  const auto cache = CentralCache::Make(OptionsFor(server));
  EXPECT_FALSE(cache->trusted());
  EXPECT_FALSE(FindAndWait(*cache, kKeyA).has_value());
  cache->Keep(kKeyA, CentrallyMeant("check_balance"), 90s, {"banking", "banking/check_balance"});
  cache->Settle();
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(kept[kKeyA]["ttl_ms"], 90000);
    EXPECT_EQ(kept[kKeyA]["tags"], Json({"banking", "banking/check_balance"}));
  }
  const auto found = FindAndWait(*cache, kKeyA);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->calls[0].call.name, "check_balance");
  EXPECT_EQ(*cache->Count(), 1u);
  EXPECT_EQ(*cache->Remove("banking/check_balance"), 1u);
  EXPECT_FALSE(FindAndWait(*cache, kKeyA).has_value());
  const auto counters = cache->counters();
  EXPECT_EQ(counters.hits, 1u);
  EXPECT_EQ(counters.misses, 2u);
  EXPECT_EQ(counters.kept, 1u);
  EXPECT_EQ(counters.failed, 0u);
}

TEST(CentralCache, GoesOnWithoutItAndSaysSoOnce) {
  const LogReader log;
  FakeCacheServer server(
      [](const std::string&, const std::string&, const std::string&) { return std::pair(0, std::string()); });
  CentralOptions options = OptionsFor(server);
  options.stay_away = 1h;
  const auto cache = CentralCache::Make(options);
  EXPECT_FALSE(FindAndWait(*cache, kKeyA).has_value());
  const int asked = server.asked();
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(FindAndWait(*cache, kKeyA).has_value());
  cache->Keep(kKeyA, CentrallyMeant("check_balance"), 90s, {});
  cache->Settle();
  EXPECT_EQ(server.asked(), asked);  // it is left alone
  EXPECT_EQ(cache->counters().failed, 7u);
  const std::string said = log.text();
  const size_t first = said.find("going on without what it keeps");
  ASSERT_NE(first, std::string::npos) << said;
  EXPECT_EQ(said.find("going on without", first + 1), std::string::npos) << said;
}

TEST(CentralCache, WhatIsNoCacheOrDamagedIsNoAnswer) {
  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{{200, "{}"},
                                                                             {200, "no json"},
                                                                             {200, std::string(300000, ' ')},
                                                                             {404, "<html>"},
                                                                             {401, "{}"},
                                                                             {500, ""}}) {
    FakeCacheServer server(
        [status = status, body = body](const std::string&, const std::string&, const std::string&) {
          return std::pair(status, body);
        });
    const auto cache = CentralCache::Make(OptionsFor(server));
    EXPECT_FALSE(FindAndWait(*cache, kKeyA).has_value()) << status << " " << body.substr(0, 20);
    EXPECT_EQ(cache->counters().hits, 0u);
  }
}

TEST(CentralCache, AsksOnceForWhatManyAskFor) {
  std::mutex gate;
  std::unique_lock closed(gate);
  FakeCacheServer server([&](const std::string&, const std::string&, const std::string&) {
    const std::lock_guard wait(gate);
    return std::pair(200, ToJson(CentrallyMeant("check_balance")).dump());
  });
  const auto cache = CentralCache::Make(OptionsFor(server));
  std::atomic<int> told{0};
  for (int i = 0; i < 50; ++i) {
    cache->Find(kKeyA, [&](std::optional<Understanding> found) {
      EXPECT_TRUE(found.has_value());
      ++told;
    });
  }
  closed.unlock();
  cache->Settle();
  EXPECT_EQ(told, 50);
  EXPECT_EQ(server.asked(), 1);
  EXPECT_EQ(cache->counters().hits, 50u);
}

TEST(CentralCache, NothingLeavesWhereTheAuditFails) {
  FakeCacheServer server([](const std::string&, const std::string&, const std::string&) {
    return std::pair(204, std::string());
  });
  CentralOptions options = OptionsFor(server);
  size_t told = 0;
  options.on_sending = [&](size_t bytes) -> Result<void> {
    told = bytes;
    return MakeError(ErrorCode::kIo, "the disk is full");
  };
  const auto cache = CentralCache::Make(options);
  cache->Keep(kKeyA, CentrallyMeant("check_balance"), 90s, {});
  cache->Settle();
  EXPECT_GT(told, 20u);
  EXPECT_EQ(server.asked(), 0);
}

TEST(CentralCache, Addresses) {
  for (const char* right : {"http://127.0.0.1:8080", "https://cache.example", "https://cache.example/sotto"})
    EXPECT_TRUE(CentralCache::CheckAddress(right)) << right;
  for (const char* wrong : {"", "cache.example", "ftp://cache.example", "http://", "https://cache.example/",
                            "https://user:secret@cache.example", "https://cache.example?x=1"})
    EXPECT_FALSE(CentralCache::CheckAddress(wrong)) << wrong;
  EXPECT_TRUE(CentralCache::IsHere("http://127.0.0.1:8080"));
  EXPECT_TRUE(CentralCache::IsHere("http://localhost"));
  EXPECT_TRUE(CentralCache::IsHere("http://[::1]:8080"));
  EXPECT_FALSE(CentralCache::IsHere("http://127.0.0.1.example"));
  EXPECT_FALSE(CentralCache::IsHere("https://localhost.example:80"));
}

}  // namespace
}  // namespace sotto
