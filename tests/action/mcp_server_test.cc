// Whole workflows whose tools are those of a published MCP server (npm
// @modelcontextprotocol/server-everything, pinned in tests/action/mcp_server), over stdio and over streamable
// HTTP. scripts/install-mcp-server puts it into build/mcp_server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "action/actions.h"
#include "base/child_process.h"
#include "loopback_server.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::filesystem::path kServer = std::filesystem::path(SOTTO_MCP_SERVER) /
                                      "node_modules/@modelcontextprotocol/server-everything/dist/index.js";

constexpr const char* kTools = R"(
entities:
  city: {values: [New York, Chicago, Los Angeles]}
  number: {type: number}
  words: {type: text}
tools:
  say: {description: Says it, slots: {message: {entity: words, required: true, ask: what}}, action: {use: mcp.all.echo}, examples: [say it]}
  add:
    description: Adds
    slots: {a: {entity: number, required: true, ask: one}}
    action: {use: mcp.all.get-sum, with: {b: 40}}
    examples: [add it]
  weather:
    description: The weather
    slots: {location: {entity: city, required: true, ask: which city}}
    action: {use: mcp.all.get-structured-content, returns: {temperature: number, conditions: text}, failures: {"invalid arguments": no_such_city}}
    examples: [weather]
  linger: {description: Takes long, action: {use: mcp.all.trigger-long-running-operation, timeout_ms: 300, with: {duration: 30, steps: 3}}, examples: [take long]}
  variables: {description: Shows, action: {use: mcp.all.get-env}, examples: [variables]}
  nothing: {description: Is not there, action: {use: mcp.all.no-such-tool}, examples: [nothing]}
  unclear: {role: unclear, description: Not understood}
)";

class McpServerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kServer))
      GTEST_SKIP() << "no MCP server in " << SOTTO_MCP_SERVER
                   << ": run scripts/install-mcp-server (needs npm)";
  }
  void Open(const std::string& server) {
    const ParsedWorkflow parsed =
        ParseWorkflow("workflow: test\nassistant: {name: x}\nmcp:\n  all: " + server + "\n" + kTools, "test");
    for (const Mistake& mistake : parsed.mistakes) EXPECT_TRUE(mistake.warning) << ToString(mistake, "test");
    ASSERT_TRUE(parsed.workflow);
    workflow_ = *parsed.workflow;
    workflow_.folder = testing::TempDir();
    auto opened = OpenActions(workflow_, testing::TempDir() + "sotto_mcp");
    ASSERT_TRUE(opened) << opened.error().message;
    actions_ = std::make_unique<WorkflowActions>(*std::move(opened));
  }
  ToolResult Run(const std::string& tool, Json arguments = Json::object()) {
    const ToolDef& def = *workflow_.FindTool(tool);
    ActionRequest request;
    request.tool = def.name;
    request.action = def.action;
    request.arguments = std::move(arguments);
    request.options = def.action_options;
    if (!request.options.contains("timeout_ms")) request.options["timeout_ms"] = 60'000;  // a busy machine
    return RunAndWait(*actions_->runner, request);
  }
  void CallEverything() {
    const ToolResult said = Run("say", {{"message", "caf\xC3\xA9 \"x\"\n2"}});
    ASSERT_TRUE(said.ok) << said.failure;
    EXPECT_EQ(said.data["text"], "Echo: caf\xC3\xA9 \"x\"\n2");
    EXPECT_THAT(Run("add", {{"a", 2.5}}).data["text"].get<std::string>(), HasSubstr("42.5"));
    const ToolResult weather = Run("weather", {{"location", "Chicago"}});
    ASSERT_TRUE(weather.ok) << weather.failure;
    EXPECT_EQ(weather.data["temperature"], 36);
    EXPECT_EQ(weather.data["conditions"], "Light rain / drizzle");
    const ToolResult wrong = Run("weather", {{"location", "Paris"}});
    EXPECT_TRUE(wrong.failure == "no_such_city" || wrong.failure == "invalid_arguments") << wrong.failure;
    EXPECT_EQ(Run("nothing").failure, "unknown_action");
    EXPECT_EQ(Run("linger").failure, "timeout");
    EXPECT_TRUE(Run("say", {{"message", "still here"}}).ok);
    ASSERT_EQ(actions_->mcp_servers.size(), 1u);
    EXPECT_EQ(actions_->mcp_servers[0]->counters().losses, 0u);
    EXPECT_THAT(actions_->mcp_servers[0]->server_name(), HasSubstr("everything"));
  }

  Workflow workflow_;
  std::unique_ptr<WorkflowActions> actions_;
};

TEST_F(McpServerTest, ItsToolsAreActionsOverStdio) {
  setenv("SOTTO_TEST_CANARY", "canary", 1);
  setenv("SOTTO_TEST_TOKEN", "token", 1);
  ASSERT_NO_FATAL_FAILURE(
      Open(fmt::format("{{command: [node, \"{}\", stdio], env: [SOTTO_TEST_TOKEN]}}", kServer.string())));
  CallEverything();
  const ToolResult variables = Run("variables");
  EXPECT_THAT(variables.data.dump(), AllOf(HasSubstr("SOTTO_TEST_TOKEN"), Not(HasSubstr("CANARY"))));
}

TEST_F(McpServerTest, ItsToolsAreActionsOverHttp) {
  int port = 0;
  {
    const LoopbackServer free([](int) {});
    port = free.port();
  }
  std::vector<std::string> environment = EnvironmentOf({"PATH", "HOME"});
  environment.push_back(fmt::format("PORT={}", port));
  const auto server = ChildProcess::Start(
      {.arguments = {"node", kServer.string(), "streamableHttp"}, .environment = environment, .folder = {}});
  ASSERT_TRUE(server) << server.error().message;
  std::string said;
  while (said.find("listening") == std::string::npos) {
    pollfd wait{server->errors(), POLLIN, 0};
    ASSERT_EQ(poll(&wait, 1, 60'000), 1) << said;
    char block[1024];
    const ssize_t count = read(server->errors(), block, sizeof block);
    ASSERT_GT(count, 0) << said;
    said.append(block, static_cast<size_t>(count));
  }
  ASSERT_NO_FATAL_FAILURE(Open(fmt::format("{{url: \"http://127.0.0.1:{}/mcp\"}}", port)));
  CallEverything();
}

}  // namespace
}  // namespace sotto
