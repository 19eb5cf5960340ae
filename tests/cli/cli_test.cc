// Exit codes and messages of the program: 0 done, 1 failed, 2 wrong usage or input, and one clear line on
// stderr. Typical mistakes stand in tests/data/cli/mistakes.jsonl: `args` ({W}: the shipped workflows),
// `exit`, `says`. They run in a folder with empty, junk, latin1.txt, folder/ and tools of every kind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/mapped_file.h"
#include "cli/program.h"
#include "core/json.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kWorkflows = SOTTO_SOURCE_DIR "/workflows";

class Program : public testing::Test {
 protected:
  void SetUp() override {
    Write("empty", "");
    Write("junk", "not what was wanted\n");
    Write("latin1.txt", "balance \xE9\n");
    std::filesystem::create_directories(folder_ / "folder");
  }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / name, text));
  }
  Outcome Run(std::vector<std::string> arguments, const std::string& input = "") {
    for (std::string& argument : arguments) {
      if (argument.starts_with("{W}")) argument = kWorkflows + argument.substr(3);
    }
    return RunProgram(folder_.path(), arguments, input);
  }
  TempFolder folder_;
};

TEST_F(Program, MistakesAreOneClearLine) {
  const auto text = ReadFile(SOTTO_SOURCE_DIR "/tests/data/cli/mistakes.jsonl");
  ASSERT_TRUE(text);
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    SCOPED_TRACE(line);
    const Json row = ParseJson(line, "mistakes.jsonl").value();
    const Outcome outcome = Run(row["args"].get<std::vector<std::string>>());
    EXPECT_EQ(outcome.exit_code, row["exit"].get<int>());
    EXPECT_THAT(outcome.error, HasSubstr(row["says"].get<std::string>()));
    EXPECT_TRUE(outcome.error.starts_with("sotto: ")) << outcome.error;
    EXPECT_EQ(std::count(outcome.error.begin(), outcome.error.end(), '\n'), 1) << outcome.error;
  }
}

TEST_F(Program, HelpIsNoMistake) {
  for (const char* command : {"demo", "talk", "chat", "call", "eval", "train", "test-dialogues", "bank",
                              "check", "new", "generate", "model", "bench", "quantize", "synth", "harvest", "transcribe"}) {
    const Outcome outcome = Run({command, "--help"});
    EXPECT_EQ(outcome.exit_code, 0) << command;
    EXPECT_EQ(outcome.error, "") << command;
    EXPECT_THAT(outcome.out, HasSubstr("ptions:")) << command;
  }
}

TEST_F(Program, BytesThatAreNoTextAreReplacedAndSaid) {
  for (const std::string words :
       {"balance \xE9\n", "pay caf\xE9 luna 20\n", "my balance please \xE2\x82\n"}) {
    SCOPED_TRACE(words);
    for (const auto& arguments :
         {std::vector<std::string>{"call", "--workflow", "{W}/banking", "--json"},
          {"call", "--workflow", "{W}/banking"},
          {"chat", "--workflow", "{W}/banking", "--bank", ":memory:", "--json"},
          {"chat", "--workflow", "{W}/banking", "--bank", ":memory:", "--show", "calls,events"}}) {
      const Outcome outcome = Run(arguments, words);
      EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
      EXPECT_THAT(outcome.error, HasSubstr("standard input, line 1"));
      EXPECT_NE(outcome.out, "");
    }
  }
  const Outcome argument = Run({"call", "--workflow", "{W}/banking", "balance \xE9"});
  EXPECT_EQ(argument.exit_code, 0) << argument.error;
  EXPECT_THAT(argument.out, HasSubstr("check_balance"));
}

TEST_F(Program, NewMakesAWorkflowThatPassesItsCheck) {
  Write("tools.json", R"([{"name": "refund-order", "input_schema": {"type": "object", "required": ["order"],
    "properties": {"order": {"type": "string", "description": "Order number, 5 digits"}, "mail": {"type": "string",
    "format": "email"}, "null": {"type": "boolean"}, "n": {"enum": [1, 2]}}}}])");
  Write("seeds.jsonl",
        R"({"messages": [{"role": "user", "content": "refund 70021"}, {"role": "assistant", "tool_calls": )"
        R"([{"name": "refund-order", "args": {"order": "70021"}}]}]})"
        "\n"
        R"({"messages": [{"role": "user", "content": "refund it"}, {"role": "assistant", "tool_calls": )"
        R"([{"name": "refund_oder", "args": {"id": "70021"}}]}]})"
        "\n");
  const Outcome made = Run({"new", "shop", "--from-tools", "tools.json", "--seeds", "seeds.jsonl"});
  EXPECT_EQ(made.exit_code, 0) << made.error;
  EXPECT_THAT(made.error,
              HasSubstr("tools.json: warning: tool 'refund-order': parameters.properties.mail.format"));
  EXPECT_THAT(made.error, HasSubstr("seeds.jsonl:2: warning: no tool 'refund_oder'"));
  const Outcome checked = Run({"check", "shop"});
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.error;
  EXPECT_THAT(ReadFile(folder_ / "shop/workflow.yaml").value(), HasSubstr("refund {order}"));
  EXPECT_THAT(ReadFile(folder_ / "shop/seed.jsonl").value(), HasSubstr("\"refund_order\""));
  const Outcome tools = Run({"check", "shop", "--tools"});
  const Json exported = Json::parse(tools.out);
  EXPECT_EQ(exported[0]["function"]["name"], "refund-order");
  EXPECT_EQ(exported[0]["function"]["parameters"]["required"], Json({"order"}));
  EXPECT_EQ(exported[0]["function"]["parameters"]["properties"]["n"]["enum"], Json({1, 2}));
}

TEST_F(Program, NewRefusesWhatCannotBeSaidAndWritesNothing) {
  Write("tools.json", R"([{"name": "order", "parameters": {"type": "object", "properties": {
    "extras": {"type": "array", "items": {"type": "string"}}, "op": {"enum": ["+", "-"]}}}}])");
  const Outcome refused = Run({"new", "cafe", "--from-tools", "tools.json"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.error, HasSubstr("tools.json: tool 'order': parameters.properties.extras: an array"));
  EXPECT_THAT(refused.error, HasSubstr("tools.json: tool 'order': parameters.properties.op.enum[0]"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "cafe"));
  EXPECT_EQ(Run({"new", "cafe", "--from-tools", "tools.json", "--leave-out"}).exit_code, 0);
}

TEST_F(Program, NewMakesAWorkflowThatCallsAnMcpServer) {
  const Outcome made = Run({"new", "shop", "--from-mcp", SOTTO_HOSTILE_MCP_SERVER " ''"});
  ASSERT_EQ(made.exit_code, 0) << made.error;
  const Outcome checked = Run({"check", "shop"});
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.error;
  EXPECT_THAT(ReadFile(folder_ / "shop/workflow.yaml").value(), HasSubstr("use: \"mcp.hostile.structured\""));
  // Its dialogues call the server.
  Write("shop/dialogues/calls.txt",
        "== a tool's answer is said\nuser: structured\ncall: structured(value=x)\nbot: Okay. balance: 12.5*\n"
        "== its errors are failures\nuser: refuses\ncall: refuses(value=x)\nbot: I'm sorry*\n");
  const Outcome dialogues = Run({"test-dialogues", "shop"});
  EXPECT_EQ(dialogues.exit_code, 0) << dialogues.out << dialogues.error;
  const Outcome dies = Run({"new", "none", "--from-mcp", SOTTO_HOSTILE_MCP_SERVER " dies_at_start"});
  EXPECT_EQ(dies.exit_code, 1);
  EXPECT_THAT(dies.error, HasSubstr("sotto: mcp.server: the server ended: Error: no licence"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "none"));
  EXPECT_EQ(Run({"new", "none", "--from-mcp", "'x"}).exit_code, 2);
}

TEST_F(Program, SilenceIsSaidToBeSilence) {
  // One second of zeros, as a recorder leaves it: 16 kHz, 16 bits, mono.
  std::string wav = "RIFF....WAVEfmt ";
  const auto number = [&](uint32_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) wav += static_cast<char>(value >> (8 * i));
  };
  number(16, 4);
  number(1, 2);
  number(1, 2);
  number(16000, 4);
  number(32000, 4);
  number(2, 2);
  number(16, 2);
  wav += "data";
  number(0, 4);  // and its recorder was killed
  wav += std::string(32000, '\0');
  Write("silence.wav", wav);
  const Outcome outcome = Run({"talk", "--workflow", "{W}/coffee", "--wav", "silence.wav", "--fast"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_THAT(outcome.error, HasSubstr("nothing was heard in silence.wav"));
}

TEST_F(Program, AnUnknownChatTemplateNamesTheOptionAndItsValues) {
  for (const char* command : {"call", "chat"}) {
    const Outcome outcome =
        Run({command, "--workflow", "{W}/banking", "--chat-template", "nosuch"}, "hello\n");
    EXPECT_EQ(outcome.exit_code, 2) << command;
    EXPECT_THAT(outcome.error, HasSubstr("no chat template \"nosuch\"; known are qwen3, ")) << command;
  }
}

}  // namespace
}  // namespace sotto
