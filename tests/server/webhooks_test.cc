#include "server/webhooks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "loopback_server.h"
#include "server/secrets.h"
#include "temp_folder.h"

namespace sotto {
namespace {

constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

// The example of the specification's libraries.
TEST(Webhooks, SignsAsTheSpecificationSays) {
  std::string key;
  ASSERT_TRUE(FromBase64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &key));
  EXPECT_EQ(WebhookSignature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Webhooks, RefusesWhatCannotBeSigned) {
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  EXPECT_FALSE(Webhooks::Open(scheduler, {.urls = {"ftp://a"}, .secret = kSecret}));
  EXPECT_FALSE(Webhooks::Open(scheduler, {.urls = {"http://127.0.0.1:1/"}, .secret = "secret"}));
  EXPECT_FALSE(Webhooks::Open(scheduler, {.urls = {"http://127.0.0.1:1/"}, .secret = "whsec_AAAA"}));
  EXPECT_TRUE(Webhooks::Open(scheduler, {}));
}

// Answers with a status and keeps what came.
class Receiver {
 public:
  explicit Receiver(int status)
      : status_(status), server_([this](int connection) {
          while (true) {
            ReceivedRequest request = ReceiveRequest(connection);
            if (request.head.empty()) return;
            {
              const std::lock_guard lock(mutex_);
              last_ = std::move(request);
            }
            ++asked_;
            asked_.notify_all();
            if (!SendBytes(connection, AnswerText(status_, "{}"))) return;
          }
        }) {}
  std::string url() const { return server_.url("/hook"); }
  void WaitFor(int times) const {
    for (int asked = asked_; asked < times; asked = asked_) asked_.wait(asked);
  }
  ReceivedRequest last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  const int status_;
  std::atomic<int> asked_{0};
  mutable std::mutex mutex_;
  ReceivedRequest last_;  // guarded by mutex_
  LoopbackServer server_;
};

std::string HeaderOf(const std::string& head, const std::string& name) {
  const size_t at = head.find(name + ": ");
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 2;
  return head.substr(begin, head.find('\r', begin) - begin);
}

void WaitUntilNothingWaits(const Webhooks& webhooks) {
  while (webhooks.counters().waiting > 0) std::this_thread::yield();
}

TEST(Webhooks, TellsOnceWhereItIsTaken) {
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  const Receiver receiver(200);
  const TempFolder folder;
  const auto webhooks =
      Webhooks::Open(scheduler, {.urls = {receiver.url()}, .secret = kSecret, .folder = folder.path() / "w"})
          .value();
  webhooks->Tell("call.ended", {{"reason", "hung_up"}});
  WaitUntilNothingWaits(*webhooks);
  EXPECT_EQ(webhooks->counters().delivered, 1u);
  const ReceivedRequest got = receiver.last();
  const Json body = Json::parse(got.body);
  EXPECT_EQ(body.at("type"), "call.ended");
  EXPECT_EQ(body.at("data").at("reason"), "hung_up");
  std::string key;
  ASSERT_TRUE(FromBase64(std::string_view(kSecret).substr(6), &key));
  EXPECT_EQ(HeaderOf(got.head, "webhook-signature"),
            WebhookSignature(key, HeaderOf(got.head, "webhook-id"), HeaderOf(got.head, "webhook-timestamp"),
                             got.body));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "w"));
}

TEST(Webhooks, WhatWasNotTakenIsSentByTheNextProcess) {
  const SystemClock clock;
  const TempFolder folder;
  {
    Scheduler scheduler(clock, {.threads = 1});
    const Receiver broken(500);
    const auto webhooks =
        Webhooks::Open(scheduler, {.urls = {broken.url()}, .secret = kSecret, .folder = folder.path()})
            .value();
    webhooks->Tell("call.ended", {{"n", 1}});
    broken.WaitFor(1);
    while (webhooks->counters().retried == 0) std::this_thread::yield();
  }
  // Its address has moved: as an operator would, by hand.
  const Receiver receiver(204);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    std::ifstream in(entry.path());
    Json event = Json::parse(in);
    EXPECT_EQ(event.at("tries"), 1);
    event["url"] = receiver.url();
    std::ofstream(entry.path()) << event.dump();
    ++files;
  }
  EXPECT_EQ(files, 1);
  Scheduler scheduler(clock, {.threads = 1});
  const auto webhooks =
      Webhooks::Open(scheduler, {.urls = {receiver.url()}, .secret = kSecret, .folder = folder.path()})
          .value();
  receiver.WaitFor(1);
  WaitUntilNothingWaits(*webhooks);
  EXPECT_EQ(Json::parse(receiver.last().body).at("data").at("n"), 1);
}

TEST(Webhooks, WhoIsGoneIsNotToldAgain) {
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  const Receiver gone(410);
  const auto webhooks = Webhooks::Open(scheduler, {.urls = {gone.url()}, .secret = kSecret}).value();
  webhooks->Tell("call.ended", Json::object());
  WaitUntilNothingWaits(*webhooks);
  EXPECT_EQ(webhooks->counters().given_up, 1u);
}

}  // namespace
}  // namespace sotto
