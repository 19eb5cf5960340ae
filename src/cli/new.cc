// sotto new: the folder of a new workflow.
#include <filesystem>
#include <fstream>

#include "action/mcp_action.h"
#include "base/mapped_file.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "core/conversation_jsonl.h"
#include "workflow/parse.h"
#include "workflow/starter.h"

namespace sotto {
namespace {

struct NewFlags {
  std::string folder;
  std::string tools;
  std::string mcp;
  std::string seeds;
  bool force = false;
  bool leave_out = false;
};

Result<void> WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) return MakeError(ErrorCode::kIo, "cannot write {}", path.string());
  return {};
}

// A name for the workflow out of a folder's: letters, digits and '_'.
std::string NameOf(const std::filesystem::path& folder) {
  std::string name =
      std::filesystem::absolute(folder / ".").lexically_normal().parent_path().filename().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0 ? "assistant_" + name : name;
}

constexpr const char* kFirstDialogue =
    "# Dialogues as tests: docs/formats/dialogue_test.md. Run them with: sotto test-dialogues .\n\n"
    "== not understood\nuser: hm\ncall: {}()\nbot: Sorry, I didn't get that.\n";

constexpr std::chrono::seconds kServerLimit{60};  // a package may have to be fetched first

// The tools of an MCP server.
Result<std::vector<ToolSpec>> AskServer(const std::string& where, StarterServer& server) {
  SOTTO_ASSIGN_OR_RETURN(server.server, ReadMcpServer(where));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<mcp::Tool> offered, AskForMcpTools(server.server, kServerLimit));
  std::vector<ToolSpec> tools;
  for (const mcp::Tool& tool : offered) {
    tools.push_back({tool.name, tool.description, tool.input_schema});
    if (!tool.output_schema.is_null()) server.answers[tool.name] = tool.output_schema;
  }
  return tools;
}

// The workflow's text; seeds are changed to its names.
Result<std::string> FromTools(const NewFlags& flags, std::vector<LabelledConversation>& seeds) {
  std::vector<ToolSpec> tools;
  StarterServer server;
  const bool asked = flags.tools.empty();
  if (asked) {
    SOTTO_ASSIGN_OR_RETURN(tools, AskServer(flags.mcp, server));
  } else {
    SOTTO_ASSIGN_OR_RETURN(const std::string tools_text, ReadFile(flags.tools));
    SOTTO_ASSIGN_OR_RETURN(tools, ReadTools(tools_text, flags.tools));
  }
  const std::string source = asked ? "mcp." + server.server.name : flags.tools;
  std::vector<Conversation> conversations;
  for (const LabelledConversation& seed : seeds) {
    conversations.push_back(seed.conversation);
    for (const std::string& unknown : UnknownCalls(seed.conversation, tools))
      fmt::print(stderr, "{}:{}: warning: {}\n", flags.seeds, seed.line, unknown);
  }
  auto made = WorkflowFromTools(NameOf(flags.folder), tools, conversations, flags.leave_out,
                                asked ? &server : nullptr);
  if (!made) return WithContext(made.error(), source);
  for (const std::string& note : made->notes) fmt::print(stderr, "{}: warning: {}\n", source, note);
  for (const std::string& refused : made->refused) {
    fmt::print(stderr, "{}: {}{}\n", source, flags.leave_out ? "left out: " : "", refused);
  }
  if (made->yaml.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: {} things in it cannot be asked for or said (above); change them{}", source,
                     made->refused.size(), flags.leave_out ? "" : ", or leave them out with --leave-out");
  }
  for (LabelledConversation& seed : seeds) {
    for (Turn& turn : seed.conversation.turns) {
      for (ToolCall& call : turn.calls) {
        const auto names = made->names.find(call.name);
        if (names == made->names.end()) continue;
        call.name = names->second.tool;
        Json arguments = Json::object();
        for (const auto& [argument, value] : call.arguments.items()) {
          const auto slot = names->second.slots.find(argument);
          arguments[slot == names->second.slots.end() ? argument : slot->second] = value;
        }
        call.arguments = std::move(arguments);
      }
    }
  }
  return std::move(made->yaml);
}

Result<void> Run(const NewFlags& flags) {
  const std::filesystem::path folder = flags.folder;
  const std::filesystem::path file = folder / "workflow.yaml";
  if (std::filesystem::exists(file) && !flags.force) {
    return MakeError(ErrorCode::kInvalidArgument, "{} exists already; --force writes over it", file.string());
  }
  std::vector<LabelledConversation> seeds;
  if (!flags.seeds.empty()) {
    SOTTO_ASSIGN_OR_RETURN(seeds, ReadConversations(flags.seeds));
  }
  std::string text = ExampleWorkflow(NameOf(folder));
  if (!flags.tools.empty() || !flags.mcp.empty()) {
    SOTTO_ASSIGN_OR_RETURN(text, FromTools(flags, seeds));
  }
  const ParsedWorkflow parsed = ParseWorkflow(text, file.string());
  std::error_code error;
  std::filesystem::create_directories(folder / "dialogues", error);
  if (error) return MakeError(ErrorCode::kIo, "cannot create {}: {}", folder.string(), error.message());
  SOTTO_RETURN_IF_ERROR(WriteText(file, text));
  fmt::print("{}\n", file.string());
  for (const Mistake& mistake : parsed.mistakes) fmt::print(stderr, "{}\n", ToString(mistake, file.string()));
  if (!flags.seeds.empty()) {
    SOTTO_RETURN_IF_ERROR(WriteConversations(folder / "seed.jsonl", seeds));
    fmt::print("{}: {} conversations\n", (folder / "seed.jsonl").string(), seeds.size());
  }
  if (!parsed.workflow) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: mistakes in what was written (above)", file.string());
  }
  const auto dialogue = folder / "dialogues" / "first.txt";
  SOTTO_RETURN_IF_ERROR(WriteText(dialogue, fmt::format(kFirstDialogue, parsed.workflow->unclear_tool)));
  fmt::print("{}\n", dialogue.string());
  fmt::print("Next: sotto check {0}, then sotto train {0}\n", folder.string());
  return {};
}

}  // namespace

void RegisterNew(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("new", "Begin a workflow: an example, or one made from your tools");
  auto flags = std::make_shared<NewFlags>();
  command->add_option("folder", flags->folder, "Folder to create")->required();
  CLI::Option* tools = command->add_option("--from-tools", flags->tools,
                                           "Tools as OpenAI, Anthropic, Gemini or MCP write them (JSON)");
  command
      ->add_option("--from-mcp", flags->mcp,
                   "An MCP server, whose tools the workflow calls: the command that starts it, or its URL")
      ->excludes(tools);
  command->add_option("--seeds", flags->seeds,
                      "Conversations (JSONL): copied to seed.jsonl, their phrases become examples");
  command->add_flag("--leave-out", flags->leave_out,
                    "Leave out arguments that cannot be said (a tool that requires one: the whole tool)");
  command->add_flag("--force", flags->force, "Write over a workflow that exists");
  command->footer(
      "Examples:\n  sotto new my_shop --from-tools tools.json --seeds seeds.jsonl\n"
      "  sotto new my_notes --from-mcp \"npx -y @modelcontextprotocol/server-filesystem /srv/notes\"");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
