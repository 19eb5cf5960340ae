// sotto check: every mistake of a workflow, with its place.
#include "assistant/screening_runner.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "dialogue/program.h"
#include "specialist/network.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct CheckFlags {
  std::vector<std::string> paths;
  bool json = false;
  bool tools = false;
};

Json ToJson(const ParsedWorkflow& parsed) {
  Json mistakes = Json::array();
  for (const Mistake& mistake : parsed.mistakes) {
    mistakes.push_back({{"line", mistake.line},
                        {"column", mistake.column},
                        {"message", mistake.message},
                        {"suggestion", mistake.suggestion},
                        {"warning", mistake.warning}});
  }
  return {{"file", parsed.file}, {"ok", parsed.workflow.has_value()}, {"mistakes", std::move(mistakes)}};
}

void PrintSummary(const Workflow& workflow) {
  size_t slots = 0;
  size_t examples = 0;
  for (const ToolDef& tool : workflow.tools) {
    slots += tool.slots.size();
    examples += tool.examples.size();
  }
  fmt::print("{}: {} tools, {} slots, {} entities, {} examples\n", workflow.name, workflow.tools.size(),
             slots, workflow.entities.size(), examples);
}

// False: the workflow has mistakes.
Result<bool> CheckOne(const std::string& path, const CheckFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(ParsedWorkflow parsed, ReadWorkflow(path));
  if (parsed.workflow) {
    const std::vector<Mistake> network = CheckNetwork(*parsed.workflow, {});
    parsed.mistakes.insert(parsed.mistakes.end(), network.begin(), network.end());
    const Result<void> screen = CheckScreen(*parsed.workflow);
    if (!screen) {
      parsed.mistakes.push_back({parsed.workflow->screen.line, 1, screen.error().message, "", false});
    }
    if (!network.empty() || !screen) parsed.workflow.reset();
  }
  if (flags.json) {
    fmt::print("{}\n", ToJson(parsed).dump(2));
  } else {
    std::FILE* out = flags.tools ? stderr : stdout;  // the array alone is what a program reads
    for (const Mistake& mistake : parsed.mistakes) fmt::print(out, "{}\n", ToString(mistake, parsed.file));
  }
  if (!parsed.workflow) {
    if (!flags.json) fmt::print("{}: {} mistakes\n", parsed.file, parsed.mistakes.size());
    return false;
  }
  const auto workflow = std::make_shared<const Workflow>(std::move(*parsed.workflow));
  if (const auto program = DialogueProgram::Compile(workflow); !program) {
    fmt::print("{}: {}\n", parsed.file, program.error().message);
    return false;
  }
  if (flags.tools) {
    Json tools = Json::array();
    for (const ToolDef& tool : workflow->tools) tools.push_back(sotto::ToJson(ToExportedTool(tool)));
    fmt::print("{}\n", tools.dump(2));
  } else if (!flags.json) {
    PrintSummary(*workflow);
  }
  return true;
}

}  // namespace

void RegisterCheck(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("check", "Find the mistakes in a workflow");
  auto flags = std::make_shared<CheckFlags>();
  command->add_option("workflow", flags->paths, "workflow.yaml, or the folder it lies in; several")
      ->required();
  command->add_flag("--json", flags->json, "Mistakes as JSON");
  command->add_flag("--tools", flags->tools, "Print the workflow's tools as an OpenAI tools array");
  command->footer(
      "Exit code 0: no mistakes (warnings do not count), 2: mistakes.\n\nExample:\n  sotto check "
      "workflows/banking");
  command->callback([flags, &context] {
    for (const std::string& path : flags->paths) {
      const auto ok = CheckOne(path, *flags);
      if (!ok) {
        context.Fail(ok.error());
      } else if (!*ok) {
        context.exit_code = 2;
      }
    }
  });
}

}  // namespace sotto
