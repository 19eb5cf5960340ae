// sotto new: the folder of a new workflow.
#include <filesystem>
#include <fstream>
#include <sstream>

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
  std::string seeds;
  bool force = false;
};

Result<std::string> ReadText(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return MakeError(ErrorCode::kNotFound, "cannot read {}", path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

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

Result<void> Run(const NewFlags& flags) {
  const std::filesystem::path folder = flags.folder;
  const std::filesystem::path file = folder / "workflow.yaml";
  if (std::filesystem::exists(file) && !flags.force) {
    return MakeError(ErrorCode::kInvalidArgument, "{} exists already; --force writes over it", file.string());
  }
  std::vector<Conversation> seeds;
  if (!flags.seeds.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const auto labelled, ReadConversations(flags.seeds));
    for (const LabelledConversation& seed : labelled) seeds.push_back(seed.conversation);
  }
  std::string text = ExampleWorkflow(NameOf(folder));
  if (!flags.tools.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const std::string tools_text, ReadText(flags.tools));
    SOTTO_ASSIGN_OR_RETURN(const std::vector<ToolSpec> tools, ReadTools(tools_text, flags.tools));
    auto made = WorkflowFromTools(NameOf(folder), tools, seeds);
    if (!made) return WithContext(made.error(), flags.tools);
    text = std::move(*made);
  }
  const ParsedWorkflow parsed = ParseWorkflow(text, file.string());
  std::error_code error;
  std::filesystem::create_directories(folder / "dialogues", error);
  if (error) return MakeError(ErrorCode::kIo, "cannot create {}: {}", folder.string(), error.message());
  SOTTO_RETURN_IF_ERROR(WriteText(file, text));
  fmt::print("{}\n", file.string());
  for (const Mistake& mistake : parsed.mistakes) fmt::print("  {}\n", ToString(mistake, file.string()));
  if (parsed.workflow) {
    const auto dialogue = folder / "dialogues" / "first.txt";
    SOTTO_RETURN_IF_ERROR(WriteText(dialogue, fmt::format(kFirstDialogue, parsed.workflow->unclear_tool)));
    fmt::print("{}\n", dialogue.string());
  }
  if (!flags.seeds.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const std::string seed_text, ReadText(flags.seeds));
    SOTTO_RETURN_IF_ERROR(WriteText(folder / "seed.jsonl", seed_text));
    fmt::print("{}: {} conversations\n", (folder / "seed.jsonl").string(), seeds.size());
  }
  fmt::print("Next: sotto check {0}, then sotto train {0}\n", folder.string());
  return {};
}

}  // namespace

void RegisterNew(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("new", "Begin a workflow: an example, or one made from your tools");
  auto flags = std::make_shared<NewFlags>();
  command->add_option("folder", flags->folder, "Folder to create")->required();
  command->add_option("--from-tools", flags->tools, "An OpenAI tools array (JSON)");
  command->add_option("--seeds", flags->seeds,
                      "Conversations (JSONL): copied to seed.jsonl, their phrases become examples");
  command->add_flag("--force", flags->force, "Write over a workflow that exists");
  command->footer("Example:\n  sotto new my_shop --from-tools tools.json --seeds seeds.jsonl");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
