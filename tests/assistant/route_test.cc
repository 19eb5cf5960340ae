// sotto.yaml's section `route:`, and a conversation that goes through what it says: the shipped banking
// specialist, and a big model that is a server on this machine.
#include <gtest/gtest.h>

#include <atomic>

#include "action/actions.h"
#include "assistant/open_deployment.h"
#include "base/check.h"
#include "base/mapped_file.h"
#include "base/unique_id.h"
#include "loopback_server.h"
#include "slm/model.h"
#include "temp_folder.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

std::string Wrong(std::string_view text) {
  const auto config = ParseRouteConfig(text, "sotto.yaml");
  return config ? "" : config.error().message;
}

TEST(RouteConfig, NothingIsNothing) {
  EXPECT_FALSE(ParseRouteConfig("serve: {port: 1}", "sotto.yaml")->has_value());
  EXPECT_FALSE(ParseRouteConfig("", "sotto.yaml")->has_value());
}

TEST(RouteConfig, ReadsAllOfIt) {
  const auto config = ParseRouteConfig(R"(
route:
  models:
    big:
      base_url: https://api.example/v1
      model: big-1
      api_key_env: BIG_KEY
      input_price: 0.15
      output_price: 0.6
      timeout_ms: 1500
      hedge_after_ms: 400
      stream: true
      trust: 0.95
    local_big: {gguf: models/big.gguf, accept: 0.7}
  accept: 0.8
  cache: {entries: 50, ttl_s: 60, ttl: {banking.check_balance: 0}, tenant: shop, similarity: 0.8}
  person: {after: 3}
  budget: {usd_per_day: 5, usd_per_conversation: 0.1}
  privacy: {default: local, banking: allow}
)",
                                       "sotto.yaml");
  ASSERT_TRUE(config && *config) << config.error().message;
  const RouteConfig& route = **config;
  EXPECT_EQ(route.steps,
            (std::vector<std::string>{"cache", "specialist", "semantic", "big", "local_big", "person"}));
  const RouteConfig::Model* big = route.Find("big");
  ASSERT_NE(big, nullptr);
  EXPECT_TRUE(big->remote());
  EXPECT_TRUE(big->stream);
  EXPECT_EQ(big->timeout_ms, 1500);
  EXPECT_EQ(big->usd_per_million_out, 0.6);
  EXPECT_FALSE(route.Find("local_big")->remote());
  EXPECT_EQ(route.accept, 0.8);
  EXPECT_EQ(route.cache->ttl_of.at("banking.check_balance"), 0);
  EXPECT_EQ(route.person->after, 3);
  EXPECT_EQ(route.usd_a_day, 5);
  EXPECT_EQ(route.privacy_of.at("banking"), "allow");
}

TEST(RouteConfig, EveryMistakeHasItsLine) {
  const std::string model = "route:\n  models:\n    big:\n      base_url: https://a.example/v1\n";
  EXPECT_EQ(Wrong(model + "      input_price: 1\n      output_price: 1\n"),
            "sotto.yaml:3:5: model 'big' needs model: its name at the endpoint");
  EXPECT_EQ(Wrong(model + "      model: m\n      output_price: 1\n"),
            "sotto.yaml:3:5: model 'big' needs input_price: USD for a million tokens, 0 where it is free");
  EXPECT_NE(
      Wrong("route:\n  models:\n    big: {base_url: \"a b\", model: m, input_price: 0, output_price: 0}\n")
          .find("sotto.yaml:3:21: 'base_url' is no address"),
      std::string::npos);
  EXPECT_NE(
      Wrong("route:\n  accept: 1.5\n").find("sotto.yaml:2:11: 'accept' is 1.5, but should be from 0 to 1"),
      std::string::npos);
  EXPECT_NE(Wrong("route:\n  steps: [specialist, bigg]\n").find("no step 'bigg'"), std::string::npos);
  EXPECT_NE(Wrong("route:\n  person: {}\n  steps: [person, specialist]\n").find("must be the last"),
            std::string::npos);
  EXPECT_NE(
      Wrong("route:\n  cache: {similarity: 0.7}\n  steps: [semantic, specialist]\n").find("must come after"),
      std::string::npos);
  EXPECT_NE(Wrong("route:\n  cache: {similarity: 7}\n").find("from 0 to 1"), std::string::npos);
  EXPECT_NE(Wrong("route:\n  privcy: {}\n").find("did you mean 'privacy'"), std::string::npos);
  EXPECT_NE(Wrong("route:\n  privacy: {default: open}\n").find("sotto.yaml:2"), std::string::npos);
  EXPECT_NE(Wrong("route:\n  budget: {usd_per_day: -1}\n").find("must not be negative"), std::string::npos);
  EXPECT_NE(Wrong("route:\n  models:\n    b: {gguf: a.gguf}\n").find("needs accept"), std::string::npos);
  EXPECT_NE(Wrong("route: [1]\n").find("must be a map"), std::string::npos);
  EXPECT_NE(Wrong("route: {a: [}\n").find("sotto.yaml:1: "), std::string::npos);
}

// A big model that calls one thing, whatever it is told.
class BigModel {
 public:
  explicit BigModel(std::string call)
      : call_(std::move(call)), server_([this](int connection) { Talk(connection); }) {}
  std::string url() const { return server_.url("/v1"); }
  int asked() const { return asked_; }
  std::string last() {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  void Talk(int connection) {
    while (true) {
      const auto request = ReceiveRequest(connection);
      if (request.head.empty()) return;
      {
        const std::lock_guard lock(mutex_);
        last_ = request.body;
      }
      ++asked_;
      const Json body{{"choices",
                       {{{"message",
                          {{"role", "assistant"},
                           {"tool_calls", {{{"type", "function"}, {"function", Json::parse(call_)}}}}}},
                         {"finish_reason", "tool_calls"}}}},
                      {"usage", {{"prompt_tokens", 900}, {"completion_tokens", 20}}}};
      if (!SendBytes(connection, AnswerText(200, body.dump(), "Content-Type: application/json\r\n"))) return;
    }
  }

  const std::string call_;
  std::mutex mutex_;
  std::string last_;  // guarded by mutex_
  std::atomic<int> asked_{0};
  LoopbackServer server_;
};

class RouteTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
    SOTTO_CHECK(workflow);
    if (!std::filesystem::exists((*workflow)->folder / "model.gguf")) GTEST_SKIP() << "no model.gguf";
    brain_ = Brain::Open(*workflow, "", {}).value();
  }

  Result<std::shared_ptr<const RoutePlan>> Open(const std::string& text,
                                                std::shared_ptr<const Brain> brain = nullptr) {
    auto config = ParseRouteConfig(text, "sotto.yaml");
    if (!config) return tl::unexpected(config.error());
    if (*config) (*config)->audit = folder_.path() / "audit.jsonl";
    auto resources = RouteResources::Open(**config);
    if (!resources) return tl::unexpected(resources.error());
    return OpenRoute(*resources, brain != nullptr ? brain : brain_);
  }
  std::string Model(const std::string& url, const std::string& more = "") {
    return "route:\n  models:\n    big: {base_url: \"" + url +
           "\", model: m, input_price: 1, output_price: 2, timeout_ms: 20000}\n" + more;
  }

  // One turn through a deployment with that route.
  TurnRecord Say(const std::string& said, std::shared_ptr<const RoutePlan> route) {
    Deployment::Parts parts;
    parts.brain = brain_;
    parts.program = DialogueProgram::Compile(std::make_shared<const Workflow>(brain_->workflow())).value();
    parts.actions = OpenRunner(brain_->workflow(), kFreshDatabases).value();
    parts.route = std::move(route);
    const auto deployment = Deployment::Create(std::move(parts)).value();
    const SystemClock clock;
    Scheduler scheduler(clock, {.threads = 1});
    auto session =
        TextSession::Open(deployment->Services(clock), deployment->NewUnderstander(scheduler), UniqueId(), {})
            .value();
    session->Begin();
    return session->Say(said);
  }

  TempFolder folder_;
  std::shared_ptr<const Brain> brain_;
};

TEST_F(RouteTest, WhatTheSpecialistIsSureOfGoesNowhere) {
  BigModel big(R"({"name": "goodbye", "arguments": "{}"})");
  const auto route = Open(Model(big.url(), "  accept: 0.5\n  privacy: {default: allow}\n"));
  ASSERT_TRUE(route) << route.error().message;
  const TurnRecord record = Say("what is the balance of my savings account", *route);
  ASSERT_TRUE(record.understood);
  EXPECT_EQ(record.understood->calls[0].call.name, "check_balance");
  ASSERT_EQ(record.understood->route.size(), 1u);
  EXPECT_EQ(record.understood->route[0].outcome, RouteStep::Outcome::kAccepted);
  EXPECT_EQ(big.asked(), 0);
  const Json json = ToJson(record);
  EXPECT_EQ(json.at("understood").at("route")[0].at("step"), "specialist");
}

TEST_F(RouteTest, TheBigModelAnswersForAnUnsureSpecialist) {
  BigModel big(R"({"name": "check_balance", "arguments": "{\"account_type\": \"savings\"}"})");
  const auto route = Open(Model(big.url(), "  accept: 1\n  privacy: {default: allow}\n"));
  ASSERT_TRUE(route) << route.error().message;
  const TurnRecord record = Say("savings, what is in there", *route);
  ASSERT_TRUE(record.understood);
  EXPECT_EQ(record.understood->made_by, MadeBy::kEscalation);
  ASSERT_EQ(record.understood->route.size(), 2u);
  EXPECT_EQ(record.understood->route[0].outcome, RouteStep::Outcome::kUnsure);
  EXPECT_EQ(record.understood->route[1].outcome, RouteStep::Outcome::kAccepted);
  EXPECT_DOUBLE_EQ(record.understood->route[1].cost, (900 * 1 + 20 * 2) / 1e6);
  ASSERT_EQ(record.actions.size(), 1u);
  EXPECT_EQ(record.actions[0].request.arguments, (Json{{"account_type", "savings"}}));
  EXPECT_EQ(big.asked(), 1);
}

TEST_F(RouteTest, WhatTheBigModelMakesUpIsRefusedAndNobodyNotices) {
  for (const char* call :
       {R"({"name": "transfer_money", "arguments": "{\"amount\": 900, \"from_account\": \"savings\"}"})",
        R"({"name": "delete_everything", "arguments": "{}"})",
        R"({"name": "check_balance", "arguments": "{\"account_type\": \"platinum\"}"})"}) {
    BigModel big(call);
    const auto route = Open(Model(big.url(), "  accept: 1\n  privacy: {default: allow}\n"));
    ASSERT_TRUE(route) << route.error().message;
    const TurnRecord record = Say("savings, what is in there", *route);
    ASSERT_TRUE(record.understood) << call;
    EXPECT_EQ(record.understood->made_by, MadeBy::kModel);
    ASSERT_EQ(record.understood->route.size(), 2u);
    EXPECT_EQ(record.understood->route[0].outcome, RouteStep::Outcome::kTaken);
    EXPECT_EQ(record.understood->route[1].outcome, RouteStep::Outcome::kRefused) << call;
    EXPECT_TRUE(record.errors.empty());
  }
}

TEST_F(RouteTest, PersonalDataLeavesAsPseudonyms) {
  BigModel big(R"({"name": "intent_unclear", "arguments": "{}"})");
  const auto route = Open(Model(big.url(), "  accept: 1\n  privacy: {banking: pseudonymise}\n"));
  ASSERT_TRUE(route) << route.error().message;
  Say("my card 4111 1111 1111 1111 is odd, write to jane.doe@example.org", *route);
  EXPECT_EQ(big.asked(), 1);
  const std::string left = big.last();
  EXPECT_NE(left.find("is odd"), std::string::npos) << left;
  EXPECT_EQ(left.find("4111 1111"), std::string::npos) << left;
  EXPECT_EQ(left.find("jane"), std::string::npos) << left;
  const std::string audit = ReadFile(folder_.path() / "audit.jsonl").value();
  EXPECT_NE(audit.find("\"card\":1"), std::string::npos) << audit;
  EXPECT_EQ(audit.find("4111"), std::string::npos) << audit;
}

TEST_F(RouteTest, WithoutARouteTheTurnIsWhatItWas) {
  const TurnRecord record = Say("what is the balance of my savings account", nullptr);
  ASSERT_TRUE(record.understood);
  EXPECT_TRUE(record.understood->route.empty());
  EXPECT_FALSE(ToJson(record).at("understood").contains("route"));
}

TEST_F(RouteTest, WhatMayNotLeaveKeepsTheRouteFromOpening) {
  EXPECT_EQ(Open(Model("http://127.0.0.1:1/v1", "  accept: 0.5\n")).error().message,
            "sotto.yaml:1: step 'big' leaves this machine, but the workflow's privacy is local");
  EXPECT_NE(
      Open(Model("http://127.0.0.1:1/v1",
                 "  accept: 0.5\n  privacy: {default: allow, banking.cancel_crad: local}\n"))
          .error()
          .message.find(
              "sotto.yaml:5: workflow 'banking' has no tool 'cancel_crad'; did you mean 'cancel_card'?"),
      std::string::npos);
}

TEST_F(RouteTest, AKeyThatIsNotThere) {
  const auto route = Open(
      "route:\n  accept: 0.5\n  models:\n    big: {base_url: \"http://127.0.0.1:1/v1\", model: m, "
      "input_price: 0, "
      "output_price: 0, api_key_env: SOTTO_TEST_NO_SUCH_KEY}\n");
  EXPECT_EQ(
      route.error().message,
      "sotto.yaml:4: the key of model 'big' should stand in the environment variable SOTTO_TEST_NO_SUCH_KEY, "
      "which is not set");
}

TEST_F(RouteTest, ThresholdsAreOfOneModelAndOneWorkflow) {
  TempFolder folder;
  std::filesystem::copy(SOTTO_SOURCE_DIR "/workflows/banking/workflow.yaml", folder.path() / "workflow.yaml");
  const auto workflow = LoadWorkflow(folder.path()).value();
  const auto brain = Brain::Open(workflow, SOTTO_SOURCE_DIR "/workflows/banking/model.gguf", {}).value();
  EXPECT_NE(Open("route: {}", brain).error().message.find("sotto route calibrate"), std::string::npos);
  ThresholdFile file;
  file.thresholds.overall = 0.9;
  file.model = brain->model().id();
  file.workflow = workflow->hash;
  const auto write = [&] {
    ASSERT_TRUE(WriteFileAtomically(folder.path() / kThresholdFile, ToJson(file).dump()));
  };
  write();
  const auto route = Open("route: {}", brain);
  ASSERT_TRUE(route) << route.error().message;
  EXPECT_EQ((*route)->steps.front().accept.overall, 0.9);
  file.model = "another";
  write();
  EXPECT_NE(Open("route: {}", brain).error().message.find("fitted to model another"), std::string::npos);
  file.model = brain->model().id();
  file.workflow = "older";
  write();
  EXPECT_NE(Open("route: {}", brain).error().message.find("fitted to workflow older"), std::string::npos);
}

TEST_F(RouteTest, WhatActsIsNeverKept) {
  const auto route = Open("route: {accept: 0.5, cache: {ttl: {banking.check_balance: 7}}}");
  ASSERT_TRUE(route) << route.error().message;
  using namespace std::chrono_literals;
  EXPECT_EQ((*route)->keep_for({"check_balance", {}}), 7s);
  EXPECT_EQ((*route)->keep_for({"get_statement", {}}), 86400s);
  EXPECT_EQ((*route)->keep_for({"transfer_money", {}}), 0s);
  EXPECT_EQ((*route)->keep_for({"cancel_card", {}}), 0s);
  EXPECT_EQ((*route)->keep_for({"affirm", {}}), 0s);
  EXPECT_EQ((*route)->keep_for({"speak_to_human", {}}), 0s);
  EXPECT_NE(
      Open("route: {accept: 0.5, cache: {ttl: {banking.transfer_money: 7}}}").error().message.find("acts"),
      std::string::npos);
}

TEST_F(RouteTest, APersonComesInTheEnd) {
  const auto route = Open("route: {accept: 1, person: {after: 1}}");
  ASSERT_TRUE(route) << route.error().message;
  const TurnRecord record = Say("the thing with the stuff from before or so", *route);
  ASSERT_TRUE(record.understood);
  EXPECT_EQ(record.understood->calls[0].call.name, "speak_to_human");
  EXPECT_EQ(record.outcome, TurnRecord::Outcome::kEscalated) << record.reply.text;
}

}  // namespace
}  // namespace sotto
