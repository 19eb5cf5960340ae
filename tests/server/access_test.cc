#include "server/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "base/mapped_file.h"
#include "server/idempotency.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using std::chrono::seconds;

class AccessTest : public testing::Test {
 protected:
  void Open(std::vector<ApiKey> keys) {
    KeyFile file;
    for (ApiKey& key : keys) secrets_.push_back(file.Add(std::move(key)).value());
    path_ = folder_.path() / "keys.json";
    SOTTO_CHECK(file.Write(path_));
    access_ = Access::Open(clock_, {.keys = path_, .token_lasts = seconds(60)}).value();
  }
  static WebRequest With(std::string authorization) {
    WebRequest request;
    request.headers = {{"host", "sotto.example"}, {"authorization", std::move(authorization)}};
    return request;
  }
  int StatusOf(const WebRequest& request) {
    const auto client = access_->Check(request);
    return client ? 200 : client.error().status;
  }

  TempFolder folder_;
  FakeClock clock_;
  std::filesystem::path path_;
  std::vector<std::string> secrets_;
  std::unique_ptr<Access> access_;
};

TEST_F(AccessTest, KnowsItsKeysAndTheirScopes) {
  Open({{.name = "shop", .scopes = {scope::kTalk}}});
  const auto client = access_->Check(With("Bearer " + secrets_[0]));
  ASSERT_TRUE(client);
  EXPECT_EQ(client->name, "shop");
  EXPECT_TRUE(client->Can(scope::kTalk));
  EXPECT_FALSE(client->Can(scope::kAdmin));
  EXPECT_FALSE(client->by_token);
  for (const std::string& wrong :
       {std::string(""), std::string("Bearer "), "Bearer " + secrets_[0] + "0", "Basic " + secrets_[0],
        "Bearer " + secrets_[0].substr(0, secrets_[0].size() - 1) + "g",
        std::string("Bearer sotto_00000000_x")}) {
    EXPECT_EQ(StatusOf(With(wrong)), 401) << wrong;
  }
  EXPECT_EQ(StatusOf({}), 401);
}

TEST_F(AccessTest, TheFileHoldsNoKey) {
  Open({{.name = "shop", .scopes = {scope::kTalk}}});
  const std::string secret = secrets_[0].substr(secrets_[0].rfind('_') + 1);
  EXPECT_THAT(ReadFile(path_).value(), testing::Not(testing::HasSubstr(secret)));
}

TEST_F(AccessTest, KeysThatAreRemovedEndWithTheirTokens) {
  Open({{.name = "shop", .scopes = {scope::kTalk}}});
  const std::string token = access_->NewToken({"shop", {scope::kTalk}});
  EXPECT_TRUE(access_->CheckToken(token));
  KeyFile file = KeyFile::Read(path_).value();
  EXPECT_FALSE(file.Remove("nobody"));
  EXPECT_TRUE(file.Remove("shop"));
  ASSERT_TRUE(file.Write(path_));
  ASSERT_TRUE(access_->Reload());
  EXPECT_FALSE(access_->CheckToken(token));
  EXPECT_EQ(StatusOf(With("Bearer " + secrets_[0])), 401);
}

TEST_F(AccessTest, TokensMayTalkAndExpire) {
  Open({{.name = "shop", .scopes = {scope::kTalk, scope::kAdmin}}});
  const std::string token = access_->NewToken({"shop", {scope::kTalk, scope::kAdmin}});
  const auto client = access_->CheckToken(token);
  ASSERT_TRUE(client);
  EXPECT_TRUE(client->by_token);  // so it makes no other one
  EXPECT_FALSE(client->Can(scope::kAdmin));
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == '1' ? '2' : '1';
    if (changed == token) continue;
    EXPECT_FALSE(access_->CheckToken(changed)) << i;
  }
  clock_.Advance(seconds(61));
  EXPECT_FALSE(access_->CheckToken(token));
}

TEST_F(AccessTest, AKeyAsksNoMoreOftenThanItMay) {
  Open({{.name = "shop", .scopes = {scope::kTalk}, .per_minute = 3}});
  const WebRequest request = With("Bearer " + secrets_[0]);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(StatusOf(request), 200);
  const auto refused = access_->Check(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 429);
  EXPECT_GE(refused.error().retry_after_s, 1);
  clock_.Advance(seconds(20));
  EXPECT_EQ(StatusOf(request), 200);
  EXPECT_EQ(StatusOf(request), 429);
}

TEST_F(AccessTest, AKeyHoldsNoMoreAtOnceThanItMay) {
  Open({{.name = "shop", .scopes = {scope::kTalk}, .at_once = 2}});
  const Client client{"shop", {scope::kTalk}};
  auto first = access_->Hold(client);
  auto second = access_->Hold(client);
  ASSERT_TRUE(first && second);
  const auto refused = access_->Hold(client);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 429);
  EXPECT_TRUE(access_->Hold({"another", {scope::kTalk}}));
  second->reset();
  second = access_->Hold(client);
  EXPECT_TRUE(second);
  access_.reset();  // what is held may outlive it
}

TEST(Access, WithoutKeysOnlyThisMachineIsAnsweredTo) {
  const FakeClock clock;
  const auto access = Access::Open(clock, {}).value();
  const auto status = [&](const char* host, const char* origin) {
    WebRequest request;
    if (host != nullptr) request.headers.emplace_back("host", host);
    if (origin != nullptr) request.headers.emplace_back("origin", origin);
    const auto client = access->Check(request);
    return client ? 200 : client.error().status;
  };
  EXPECT_EQ(status("localhost:8080", nullptr), 200);
  EXPECT_EQ(status("127.0.0.1:8080", "http://127.0.0.1:8080"), 200);
  EXPECT_EQ(status("[::1]:8080", "http://[::1]:8080"), 200);
  EXPECT_EQ(status("localhost:8080", "http://localhost:9090"), 403);
  EXPECT_EQ(status("localhost:8080", "null"), 403);
  EXPECT_EQ(status("evil.example:8080", "http://evil.example:8080"), 403);
  // Whatever name is said: another machine is another machine, unless a name of this one was given.
  const auto open = Access::Open(clock, {.hosts = {"kiosk.example"}}).value();
  for (const auto& [peer, here, named] :
       {std::tuple("192.0.2.2", 403, 200), std::tuple("2001:db8::1", 403, 200),
        std::tuple("127.0.0.1", 200, 200), std::tuple("::1", 200, 200)}) {
    WebRequest request;
    request.headers = {{"host", "localhost:8080"}};
    request.peer = peer;
    const auto without = access->Check(request);
    EXPECT_EQ(without ? 200 : without.error().status, here) << peer;
    const auto with = open->Check(request);
    EXPECT_EQ(with ? 200 : with.error().status, named) << peer;
  }
}

TEST(KeyFile, SaysWhatIsWrongWithIt) {
  TempFolder folder;
  const auto path = folder.path() / "keys.json";
  for (const char* text :
       {"", "{}", R"({"hash_key": "a", "keys": [{"name": "x"}]})",
        R"({"hash_key": "a", "keys": [{"name": "x", "id": "1", "hash": "b", "scopes": ["tlak"]}]})"}) {
    SOTTO_CHECK(WriteFileAtomically(path, text));
    const auto file = KeyFile::Read(path);
    ASSERT_FALSE(file) << text;
    EXPECT_THAT(file.error().message, testing::HasSubstr("keys.json")) << text;
  }
}

TEST(IdempotencyKeys, TheSameRequestIsDoneOnce) {
  FakeClock clock;
  IdempotencyKeys keys(clock);
  EXPECT_FALSE(keys.Find("a", 1));
  EXPECT_EQ(keys.Find("a", 1)->status, 409);  // under way
  WebResponse done;
  done.status = 201;
  done.body = "{}";
  keys.Remember("a", done);
  const auto again = keys.Find("a", 1);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->status, 201);
  EXPECT_EQ(again->body, "{}");
  EXPECT_EQ(keys.Find("a", 2)->status, 422);
  EXPECT_FALSE(keys.Find("b", 1));
  keys.Forget("b");
  EXPECT_FALSE(keys.Find("b", 1));
  clock.Advance(std::chrono::minutes(11));
  EXPECT_FALSE(keys.Find("a", 2));
}

}  // namespace
}  // namespace sotto
