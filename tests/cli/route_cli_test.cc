// sotto route, and a conversation that goes through a route, as people run them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "cli/program.h"
#include "core/json.h"
#include "loopback_server.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kBanking = SOTTO_SOURCE_DIR "/workflows/banking";

class RouteProgram : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / name, text));
  }
  Outcome Run(const std::vector<std::string>& arguments, const std::string& input = "") {
    return RunProgram(folder_.path(), arguments, input);
  }
  TempFolder folder_;
};

TEST_F(RouteProgram, ExplainsItself) {
  Write("sotto.yaml", R"(route:
  accept: 1
  models: {big: {base_url: "http://127.0.0.1:1/v1", model: big-1, input_price: 1, output_price: 1}}
  privacy: {banking: allow}
)");
  const Outcome outcome =
      Run({"route", "explain", "--workflow", kBanking, "could you shift a couple hundred over"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("specialist"));
  EXPECT_THAT(outcome.out, HasSubstr("would be asked: big-1 at http://127.0.0.1:1"));
}

TEST_F(RouteProgram, BenchComparesAndPlots) {
  const Outcome outcome = Run({"route", "bench", "--workflow", kBanking, "--data", kBanking + "/valid.jsonl",
                               "--json", "--svg", "route.svg"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
  const Json json = ParseJson(outcome.out, "bench").value();
  EXPECT_GT(json.at("turns").get<int>(), 100);
  EXPECT_EQ(json.at("routed").size(), 21u);
  EXPECT_THAT(ReadFile(folder_ / "route.svg").value(), HasSubstr("max-softmax"));
}

TEST_F(RouteProgram, CalibratesWithEvidenceAndHistory) {
  std::filesystem::copy(
      kBanking, folder_ / "banking",
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  std::filesystem::remove(folder_ / "banking" / "route.json");
  const auto calibrate = [&](const std::string& percent) {
    return Run({"route", "calibrate", "--workflow", "banking", "--conversations", "banking/valid.jsonl",
                "--strong-pct", percent});
  };
  ASSERT_EQ(calibrate("20").exit_code, 0);
  const Outcome again = calibrate("10");
  ASSERT_EQ(again.exit_code, 0) << again.error;
  const Json file = ParseJson(ReadFile(folder_ / "banking" / "route.json").value(), "route.json").value();
  EXPECT_EQ(file.at("goal").at("strong_share"), 0.1);
  ASSERT_EQ(file.at("history").size(), 1u);
  EXPECT_EQ(file.at("history")[0].at("goal").at("strong_share"), 0.2);
  EXPECT_GT(file.at("evidence").at("all").at("accepted").get<int>(), 150);
  // What was trained since is not what was measured.
  Json other = file;
  other["model"] = "0123456789abcdef";
  Write("banking/route.json", other.dump());
  Write("sotto.yaml", "route: {}\n");
  const Outcome refused = Run({"chat", "--workflow", "banking"}, "hello\n");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.error, HasSubstr("fitted to model 0123456789abcdef"));
}

TEST_F(RouteProgram, AConversationGoesThroughTheRoute) {
  const LoopbackServer big([](int connection) {
    while (!ReceiveRequest(connection).head.empty()) {
      SendBytes(
          connection,
          AnswerText(200, R"({"choices":[{"finish_reason":"tool_calls","message":{"tool_calls":[{"function":)"
                          R"({"name":"check_balance","arguments":"{\"account_type\":\"savings\"}"}}]}}]})"));
    }
  });
  Write("sotto.yaml",
        "route:\n  accept: 1\n  cache: {}\n  privacy: {banking: allow}\n  models:\n    big: {base_url: \"" +
            big.url("/v1") + "\", model: m, input_price: 0, output_price: 0, timeout_ms: 30000}\n");
  const Outcome outcome = Run({"chat", "--workflow", kBanking, "--show", "route", "--database", ":memory:"},
                              "savings what is in there\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("route  cache unsure"));
  EXPECT_THAT(outcome.out, HasSubstr("route  specialist unsure"));
  EXPECT_THAT(outcome.out, HasSubstr("route  big accepted"));
  // Without the section nobody else is asked.
  Write("sotto.yaml", "chat: {customer: \"1\"}\n");
  const Outcome plain = Run({"chat", "--workflow", kBanking, "--show", "route", "--database", ":memory:"},
                            "savings what is in there\n");
  EXPECT_EQ(plain.exit_code, 0) << plain.error;
  EXPECT_THAT(plain.out, Not(HasSubstr("route  ")));
}

}  // namespace
}  // namespace sotto
