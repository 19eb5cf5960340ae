// The whole server on an ephemeral port, as programs see it: the banking specialist, its demo bank, real
// sockets. The calls of `docs/formats/openapi.yaml` that need no voice.
#include "server/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <future>
#include <thread>

#include "assistant/session_host.h"
#include "base/check.h"
#include "base/http_client.h"
#include "loopback_server.h"
#include "route/central_cache.h"
#include "route/exact_cache.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Everything that the tests share; a model is loaded once.
class ServerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = new World;
    world_->host = SessionHost::Open({.threads = 2}).value();
    Scheduler& scheduler = world_->host->scheduler();
    auto deployment = OpenDeployment({.workflow = SOTTO_SOURCE_DIR "/workflows/banking",
                                      .databases = world_->folder.path(),
                                      .spoken = false},
                                     {scheduler, scheduler})
                          .value();
    Caller caller;
    caller.customer = "1";
    caller.verified_by = "test";
    world_->workflow =
        std::make_shared<ServedWorkflow>(ServedWorkflow{"banking", std::move(deployment), std::move(caller)});
  }
  static void TearDownTestSuite() { delete world_; }

  void Start(ServerOptions options = {}) {
    server_ = Server::Start({&world_->host->clock(), &world_->host->scheduler(), nullptr, nullptr},
                            std::move(options),
                            []() -> Result<std::vector<ServedWorkflowPtr>> {
                              return std::vector<ServedWorkflowPtr>{world_->workflow};
                            })
                  .value();
  }

  HttpAnswer Ask(std::string method, const std::string& path, std::string body = "",
                 HttpHeaders headers = {}) {
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    const auto answer = client_->Send({.method = std::move(method),
                                       .url = server_->url() + path,
                                       .headers = std::move(headers),
                                       .body = std::move(body)});
    SOTTO_CHECK(answer.has_value(), "{}", answer.error().message);
    if (answer->status >= 400 && path.starts_with("/v1/")) {
      EXPECT_EQ(answer->Header("content-type"), "application/problem+json") << path;
      const Json problem = Json::parse(answer->body);
      EXPECT_EQ(problem["status"], answer->status) << answer->body;
      EXPECT_FALSE(problem["detail"].get<std::string>().empty());
    }
    return *answer;
  }
  std::string NewSession() {
    const HttpAnswer begun = Ask("POST", "/v1/sessions", "{}");
    EXPECT_EQ(begun.status, 201) << begun.body;
    return Json::parse(begun.body)["id"];
  }
  Json Say(const std::string& id, const std::string& text) {
    const HttpAnswer answer = Ask("POST", "/v1/sessions/" + id + "/turns", Json{{"text", text}}.dump());
    EXPECT_EQ(answer.status, 200) << answer.body;
    return Json::parse(answer.body);
  }
  // Bytes as they are, until the server closes or has been silent for a while.
  std::string Raw(std::string_view bytes) const {
    const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server_->port());
    SOTTO_CHECK(connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const timeval wait{2, 0};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    SendBytes(connection, bytes);
    std::string got;
    char block[4096];
    while (got.size() < 100000) {
      const ssize_t n = recv(connection, block, sizeof block, 0);
      if (n <= 0) break;
      got.append(block, static_cast<size_t>(n));
      if (got.find("\r\n\r\n") != std::string::npos && got.find("keep") == std::string::npos) break;
    }
    close(connection);
    return got;
  }

  struct World {
    TempFolder folder;
    std::unique_ptr<SessionHost> host;
    ServedWorkflowPtr workflow;
  };
  static World* world_;

  std::unique_ptr<HttpClient> client_ = MakeHttpClient();
  std::unique_ptr<Server> server_;
};

ServerTest::World* ServerTest::world_ = nullptr;

TEST_F(ServerTest, HoldsAConversationInWriting) {
  Start();
  const HttpAnswer begun = Ask("POST", "/v1/sessions", R"({"workflow": "banking"})");
  ASSERT_EQ(begun.status, 201) << begun.body;
  const Json first = Json::parse(begun.body);
  const std::string id = first["id"];
  EXPECT_EQ(begun.Header("location"), "/v1/sessions/" + id);
  EXPECT_THAT(first["turn"]["reply"]["text"].get<std::string>(), HasSubstr("BankCo"));
  const Json asked = Say(id, "transfer 200 dollars from checking to savings");
  EXPECT_EQ(asked["turn"]["understood"]["calls"][0]["name"], "transfer_money");
  EXPECT_EQ(asked["turn"]["understood"]["calls"][0]["arguments"]["amount"], 200);
  EXPECT_EQ(asked["state"]["expectation"]["kind"], "confirm");
  EXPECT_EQ(asked["state"]["tasks"][0]["status"], "open");
  const Json done = Say(id, "yes");
  EXPECT_EQ(done["turn"]["actions"][0]["ok"], true) << done.dump(2);
  EXPECT_EQ(done["state"]["tasks"][0]["status"], "done");
  const Json seen = Json::parse(Ask("GET", "/v1/sessions/" + id).body);
  EXPECT_EQ(seen["turns"], 3);
  EXPECT_EQ(Ask("DELETE", "/v1/sessions/" + id).status, 204);
  EXPECT_EQ(Ask("GET", "/v1/sessions/" + id).status, 404);
  EXPECT_EQ(Ask("POST", "/v1/sessions/" + id + "/turns", R"({"text": "hello"})").status, 404);
}

TEST_F(ServerTest, TheSameKeyDoesItOnce) {
  Start();
  const std::string id = NewSession();
  const std::string path = "/v1/sessions/" + id + "/turns";
  const HttpHeaders key{{"Idempotency-Key", "k1"}};
  const HttpAnswer first = Ask("POST", path, R"({"text": "what is my savings balance"})", key);
  const HttpAnswer again = Ask("POST", path, R"({"text": "what is my savings balance"})", key);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.Header("idempotent-replayed"), "true");
  EXPECT_EQ(Json::parse(Ask("GET", "/v1/sessions/" + id).body)["turns"], 2);
  EXPECT_EQ(Ask("POST", path, R"({"text": "something else"})", key).status, 422);
}

TEST_F(ServerTest, RefusesWhatIsWrongWithASentence) {
  Start();
  const std::string id = NewSession();
  const std::string turns = "/v1/sessions/" + id + "/turns";
  const struct {
    const char* method;
    std::string path;
    std::string body;
    int status;
  } cases[] = {
      {"POST", "/v1/sessions", "{", 400},
      {"POST", "/v1/sessions", R"({"workflow": 3})", 400},
      {"POST", "/v1/sessions", R"({"workflow": "bankng"})", 404},
      {"POST", turns, "{}", 400},
      {"POST", turns, R"({"text": ""})", 400},
      {"POST", turns, R"({"text": "a", "silence": true})", 400},
      {"POST", turns, R"({"txt": "a"})", 400},
      {"POST", turns, "{\"text\": \"" + std::string(9000, 'a') + "\"}", 400},
      {"POST", turns, std::string(5000, '['), 400},
      {"POST", "/v1/sessions/nobody/turns", R"({"text": "a"})", 404},
      {"PUT", "/v1/sessions", "{}", 405},
      {"GET", "/v1/nothing", "", 404},
      {"GET", "/v1/voice", "", 404},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(Ask(one.method, one.path, one.body).status, one.status)
        << one.path << " " << one.body.substr(0, 50);
  }
  EXPECT_EQ(Ask("GET", "/healthz").status, 200);
}

TEST_F(ServerTest, SurvivesBytesThatAreNoRequest) {
  Start();
  EXPECT_THAT(Raw("GARBAGE\r\n\r\n"), HasSubstr("400"));
  EXPECT_THAT(Raw("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(40000, 'x') + "\r\n\r\n"),
              HasSubstr("431"));
  EXPECT_THAT(Raw("POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n"),
              HasSubstr("413"));
  EXPECT_THAT(Raw("POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              HasSubstr("400"));
  EXPECT_THAT(
      Raw("POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n"
          "{}"),
      HasSubstr("400"));
  EXPECT_THAT(Raw("GET /healthz HTTP/1.1\r\n\r\n"), HasSubstr("400"));
  EXPECT_THAT(Raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n"), HasSubstr("400"));
  EXPECT_THAT(Raw("GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n"), HasSubstr("400"));
  EXPECT_THAT(Raw("GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n"), HasSubstr("400"));
  EXPECT_THAT(
      Raw("GET /v1/voice HTTP/1.1\r\nHost: evil.example\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
      HasSubstr("403"));
  EXPECT_EQ(Ask("GET", "/healthz").status, 200);
}

TEST_F(ServerTest, TellsFollowersWhatHappens) {
  Start();
  const std::string id = NewSession();
  Say(id, "what is my savings balance");
  std::string events;
  const auto followed = client_->Send(
      {.url = server_->url() + "/v1/sessions/" + id + "/events", .headers = {{"Last-Event-ID", "1"}}},
      [&](const HttpAnswer&, std::string_view bytes) {
        events += bytes;
        return events.find("\n\n") == std::string::npos;
      });
  EXPECT_FALSE(followed);  // it was enough
  EXPECT_THAT(events, HasSubstr("id: 2\nevent: turn\ndata: {"));
  EXPECT_THAT(events, HasSubstr("check_balance"));
}

TEST_F(ServerTest, APersonTakesOver) {
  Start();
  const std::string id = NewSession();
  Say(id, "transfer 200 dollars");
  const HttpAnswer handed = Ask("POST", "/v1/sessions/" + id + "/hand-off", R"({"reason": "a supervisor"})");
  ASSERT_EQ(handed.status, 200) << handed.body;
  const Json json = Json::parse(handed.body);
  EXPECT_EQ(json["reason"], "a supervisor");
  EXPECT_EQ(json["turns"][1]["user"], "transfer 200 dollars");
  EXPECT_EQ(json["state"]["tasks"][0]["slots"]["amount"], 200);
  EXPECT_EQ(Ask("POST", "/v1/sessions/" + id + "/turns", R"({"text": "hello"})").status, 404);
}

TEST_F(ServerTest, ServesThePageAndLetsItLoadNothingElse) {
  Start();
  const HttpAnswer page = Ask("GET", "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<title>Sotto"));
  EXPECT_THAT(std::string(page.Header("content-security-policy")), HasSubstr("default-src 'self'"));
  EXPECT_EQ(Ask("GET", "/app.js").Header("content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(Ask("GET", "/nothing.js").status, 404);
}

TEST_F(ServerTest, CountsWhatItDoesAndNamesNobody) {
  Start();
  const std::string id = NewSession();
  Say(id, "pay Canarybird 4141 dollars from checking");
  const std::string metrics = Ask("GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("sotto_turns_total{"));
  EXPECT_THAT(metrics, HasSubstr("stage=\"meaning\""));
  EXPECT_THAT(metrics,
              HasSubstr("sotto_http_requests_total{route=\"/v1/sessions/{id}/turns\",status=\"200\"} 1"));
  for (const std::string& secret : {id, std::string("anarybird"), std::string("4141")}) {
    EXPECT_THAT(metrics, testing::Not(HasSubstr(secret)));
  }
}

TEST_F(ServerTest, TakesNoMoreSessionsThanItMay) {
  ServerOptions options;
  options.sessions.most = 2;
  Start(options);
  NewSession();
  NewSession();
  const HttpAnswer refused = Ask("POST", "/v1/sessions", "{}");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.Header("retry-after"), "5");
}

TEST_F(ServerTest, NeedsAKeyWhereThereAreSome) {
  TempFolder folder;
  KeyFile keys;
  const std::string talker = keys.Add({.name = "talker", .scopes = {scope::kTalk}}).value();
  const std::string other = keys.Add({.name = "other", .scopes = {scope::kTalk, scope::kMetrics}}).value();
  ServerOptions options;
  options.access.keys = folder.path() / "keys.json";
  ASSERT_TRUE(keys.Write(options.access.keys));
  Start(options);
  const HttpHeaders as_talker{{"Authorization", "Bearer " + talker}};
  const HttpHeaders as_other{{"Authorization", "Bearer " + other}};
  EXPECT_EQ(Ask("POST", "/v1/sessions", "{}").status, 401);
  EXPECT_EQ(Ask("GET", "/healthz").status, 200);
  const HttpAnswer begun = Ask("POST", "/v1/sessions", "{}", as_talker);
  ASSERT_EQ(begun.status, 201);
  const std::string id = Json::parse(begun.body)["id"];
  EXPECT_EQ(Ask("GET", "/v1/sessions/" + id, "", as_talker).status, 200);
  EXPECT_EQ(Ask("GET", "/v1/sessions/" + id, "", as_other).status, 404);  // another's
  EXPECT_EQ(Ask("GET", "/metrics", "", as_talker).status, 403);
  EXPECT_EQ(Ask("GET", "/metrics", "", as_other).status, 200);
  EXPECT_EQ(Ask("POST", "/v1/sessions", R"({"caller": {"customer": "2"}})", as_talker).status, 403);
  const Json token = Json::parse(Ask("POST", "/v1/tokens", "", as_talker).body);
  const HttpHeaders as_page{{"Authorization", "Bearer " + token["token"].get<std::string>()}};
  EXPECT_EQ(Ask("GET", "/v1/sessions/" + id, "", as_page).status, 200);
}

TEST_F(ServerTest, AStoredSessionIsContinuedWithTheKeyThatBeganIt) {
  TempFolder folder;
  KeyFile keys;
  const std::string mine = keys.Add({.name = "mine", .scopes = {scope::kTalk}, .at_once = 1}).value();
  const std::string other = keys.Add({.name = "other", .scopes = {scope::kTalk}}).value();
  ServerOptions options;
  options.access.keys = folder.path() / "keys.json";
  ASSERT_TRUE(keys.Write(options.access.keys));
  const auto host = SessionHost::Open({.threads = 1, .sessions = folder.path() / "sessions.db"}).value();
  const auto stranger =
      std::make_shared<ServedWorkflow>(ServedWorkflow{"banking", world_->workflow->deployment, Caller{}});
  server_ = Server::Start({&host->clock(), &host->scheduler(), host->journal(), nullptr}, options,
                          [&]() -> Result<std::vector<ServedWorkflowPtr>> {
                            return std::vector<ServedWorkflowPtr>{stranger};
                          })
                .value();
  const HttpHeaders as_mine{{"Authorization", "Bearer " + mine}};
  const HttpHeaders as_other{{"Authorization", "Bearer " + other}};
  const std::string id = Json::parse(Ask("POST", "/v1/sessions", "{}", as_mine).body)["id"];
  EXPECT_EQ(Ask("POST", "/v1/sessions", "{}", as_mine).status, 429);  // one at once
  EXPECT_EQ(Ask("DELETE", "/v1/sessions/" + id, "", as_mine).status, 204);
  const std::string go_on = Json{{"session", id}}.dump();
  EXPECT_EQ(Ask("POST", "/v1/sessions", go_on, as_other).status, 400);
  EXPECT_EQ(Ask("POST", "/v1/sessions", go_on, as_mine).status, 201);
  server_.reset();
}

TEST_F(ServerTest, ARefusedBodyIsReadSoThatTheAnswerArrives) {
  Start();
  for (int i = 0; i < 5; ++i) {
    const HttpAnswer refused = Ask("POST", "/v1/sessions", std::string(size_t{3} << 20, 'a'));
    EXPECT_EQ(refused.status, 413);
  }
}

// What a program asks of `model: auto`, which needs no key here.
class AutoModelTest : public ServerTest {
 protected:
  HttpAnswer Chat(Json body) {
    const auto answer = client_->Send({.method = "POST",
                                       .url = server_->url() + "/v1/chat/completions",
                                       .headers = {{"Content-Type", "application/json"}},
                                       .body = body.dump()});
    SOTTO_CHECK(answer.has_value(), "{}", answer.error().message);
    return *answer;
  }
  static Json Request(const std::string& tool) {
    return {{"model", "auto"},
            {"messages", {{{"role", "user"}, {"content", "what is in my savings account"}}}},
            {"tools", {{{"type", "function"}, {"function", {{"name", tool}}}}}}};
  }
};

TEST_F(AutoModelTest, ToolsOfAWorkflowGoToIt) {
  Start();
  const HttpAnswer answer = Chat(Request("check_balance"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.Header("x-sotto-route"), "specialist");
  EXPECT_EQ(answer.Header("x-sotto-cache"), "miss");
  EXPECT_EQ(answer.Header("x-sotto-cost"), "0.000000");
  EXPECT_GT(std::stod(std::string(answer.Header("x-sotto-confidence"))), 0.5);
  const Json body = Json::parse(answer.body);
  EXPECT_EQ(body.at("model"), "banking");
  EXPECT_EQ(body.at("choices")[0].at("message").at("tool_calls")[0].at("function").at("name"),
            "check_balance");
}

TEST_F(AutoModelTest, WhatNobodyAnswersIsSaid) {
  Start();
  const HttpAnswer refused = Chat(Request("fly_to_the_moon"));
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("sotto.yaml has no route"));
}

TEST_F(AutoModelTest, AnythingElseGoesToTheRoutesEndpoints) {
  LoopbackServer big([](int connection) {
    while (!ReceiveRequest(connection).head.empty()) {
      const Json said{
          {"choices",
           {{{"message", {{"role", "assistant"}, {"content", "It is far."}}}, {"finish_reason", "stop"}}}}};
      if (!SendBytes(connection, AnswerText(200, said.dump(), "Content-Type: application/json\r\n"))) return;
    }
  });
  auto config = ParseRouteConfig(
      fmt::format("route:\n  accept: 0.5\n  models:\n    big: {{base_url: \"{}\", model: m, input_price: 0, "
                  "output_price: 0, timeout_ms: 20000}}\n  privacy: {{default: allow}}\n",
                  big.url("/v1")),
      "sotto.yaml");
  ASSERT_TRUE(config && *config) << config.error().message;
  (*config)->audit = world_->folder.path() / "audit.jsonl";
  ServerOptions options;
  options.gateway = ChatGateway::Create(RouteResources::Open(**config).value()).value();
  Start(std::move(options));
  Json request = Request("fly_to_the_moon");
  const HttpAnswer answer = Chat(request);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.Header("x-sotto-route"), "big");
  EXPECT_EQ(Json::parse(answer.body).at("choices")[0].at("message").at("content"), "It is far.");
  request["stream"] = true;
  EXPECT_THAT(Chat(request).body, AllOf(HasSubstr("It is far."), HasSubstr("data: [DONE]")));
  EXPECT_THAT(Ask("GET", "/metrics").body,
              HasSubstr("sotto_route_steps_total{outcome=\"accepted\",step=\"big\",workflow=\"auto\"} 2"));
}

TEST_F(ServerTest, DrainsInBoundedTime) {
  Start();
  const std::string id = NewSession();
  const auto began = std::chrono::steady_clock::now();
  server_->Drain(std::chrono::seconds(20));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
  EXPECT_EQ(Ask("GET", "/readyz").status, 503);
  EXPECT_EQ(Ask("POST", "/v1/sessions", "{}").status, 503);
  Say(id, "what is my savings balance");  // who talks already is still answered
}

// A caller's arm is chosen when the session begins; its records say which it was.
TEST_F(ServerTest, ASessionStaysInTheArmThatItBeganWith) {
  const Deployment& base = *world_->workflow->deployment;
  const auto with = [&](const char* version, const char* arm) {
    auto served = std::make_shared<ServedWorkflow>();
    served->name = "banking";
    served->caller = world_->workflow->caller;
    served->deployment =
        WithBrain(base, base.parts().brain, nullptr, nullptr, Release{version, "e1", arm}).value();
    return served;
  };
  const auto candidate = with("v2", "candidate");
  const auto champion = with("v1", "champion");
  auto chooses = std::make_shared<ServedWorkflow>(*champion);
  bool gives_candidate = true;
  chooses->arm = [&](const Caller& caller, std::string_view session) -> ServedWorkflowPtr {
    EXPECT_EQ(caller.customer, "1");
    EXPECT_FALSE(session.empty());
    return gives_candidate ? candidate : nullptr;
  };
  server_ = Server::Start({&world_->host->clock(), &world_->host->scheduler(), nullptr, nullptr}, {},
                          [&]() -> Result<std::vector<ServedWorkflowPtr>> {
                            return std::vector<ServedWorkflowPtr>{chooses};
                          })
                .value();
  const std::string first = NewSession();
  gives_candidate = false;
  const std::string second = NewSession();
  EXPECT_EQ(Say(first, "what is my balance")["turn"]["release"],
            Json::parse(R"({"version": "v2", "experiment": "e1", "arm": "candidate"})"));
  EXPECT_EQ(Say(second, "what is my balance")["turn"]["release"]["arm"], "champion");
}

// What one Sotto has understood another one finds here.
TEST_F(ServerTest, KeepsForOtherSottos) {
  ServerOptions options;
  options.cache = std::make_shared<ExactCache>(world_->host->clock(), 100);
  Start(std::move(options));
  CentralOptions central;
  central.base_url = server_->url();
  central.connect_within = central.answer_within = std::chrono::seconds(10);
  const auto cache = CentralCache::Make(central);
  const auto find = [&](const std::string& key) {
    std::promise<std::optional<Understanding>> told;
    cache->Find(key, [&](std::optional<Understanding> found) { told.set_value(std::move(found)); });
    return told.get_future().get();
  };
  const std::string key(64, 'b');
  EXPECT_FALSE(find(key).has_value());
  Understanding understanding;
  understanding.calls.push_back({ToolCall{"check_balance", {{"account_type", "savings"}}}, 0.9, {}, {}});
  understanding.confidence = 0.9;
  cache->Keep(key, understanding, std::chrono::hours(1), {"banking", "banking/check_balance"});
  cache->Settle();
  const auto found = find(key);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->calls[0].call.arguments["account_type"], "savings");
  EXPECT_EQ(*cache->Count(), 1u);
  EXPECT_EQ(*cache->Remove("telecom"), 0u);
  EXPECT_EQ(*cache->Remove("banking/check_balance"), 1u);
  EXPECT_FALSE(find(key).has_value());

  const std::string entries = "/v1/cache/understandings/";
  EXPECT_EQ(Ask("GET", entries + "short").status, 400);
  EXPECT_EQ(Ask("PUT", entries + key, "{}").status, 400);
  EXPECT_EQ(Ask("PUT", entries + key, R"({"understanding": {"calls": []}, "ttl_ms": 5})").status, 400);
  EXPECT_EQ(Ask("PUT", entries + key, R"({"understanding": {}, "ttl_ms": 0})").status, 400);
  EXPECT_EQ(Ask("GET", entries + key).status, 404);
}

TEST_F(ServerTest, KeepsForNobodyUnlessTold) {
  Start();
  EXPECT_EQ(Ask("GET", "/v1/cache/understandings").status, 404);
}

}  // namespace
}  // namespace sotto
