// sotto test-dialogues: runs the dialogues of a workflow, with their own calls or with a model's.
#include "action/actions.h"
#include "assistant/screening_runner.h"
#include "assistant/script_brain.h"
#include "brain/brain.h"
#include "cli/action_options.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "dialogue/script.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct TestFlags {
  std::string workflow;
  std::string dialogues;
  std::string model;
  std::string filter;
  int threads = 2;
  bool verbose = false;
  bool json = false;
  bool made_up = false;
};

void Print(const DialogueScript& script, const ScriptOutcome& outcome, const TestFlags& flags) {
  if (flags.json) {
    fmt::print("{}\n", Json{{"file", script.file},
                            {"line", script.line},
                            {"name", script.name},
                            {"passed", outcome.failures.empty()},
                            {"failures", outcome.failures}}
                           .dump());
    return;
  }
  for (const std::string& failure : outcome.failures) fmt::print("FAILED {}\n", failure);
  if (flags.verbose || !outcome.failures.empty())
    fmt::print("  == {}\n{}\n", script.name, outcome.transcript);
}

// The number of dialogues that failed.
Result<int> Run(const TestFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Workflow> workflow, LoadWorkflow(flags.workflow));
  const std::filesystem::path path =
      flags.dialogues.empty() ? workflow->folder / "dialogues" : std::filesystem::path(flags.dialogues);
  SOTTO_ASSIGN_OR_RETURN(const std::vector<DialogueScript> scripts, ReadScripts(path, *workflow));
  const SystemClock clock;
  ScriptServices services;
  services.caller = TerminalCaller(*workflow, kDemoCustomer, "text");
  if (!flags.made_up) {
    services.make_runner = [&]() -> Result<std::shared_ptr<ActionRunner>> {
      SOTTO_ASSIGN_OR_RETURN(auto runner, OpenRunner(*workflow, kFreshDatabases));
      return WithScreening(*workflow, std::move(runner), kFreshDatabases, clock);
    };
  }
  if (!flags.model.empty()) {
    BrainOptions options;
    options.n_threads = flags.threads;
    SOTTO_ASSIGN_OR_RETURN(const auto brain, Brain::Open(workflow, flags.model, options));
    services.understand = MakeScriptBrain(brain);
  }
  int passed = 0;
  int failed = 0;
  for (const DialogueScript& script : scripts) {
    if (script.name.find(flags.filter) == std::string::npos) continue;
    const ScriptOutcome outcome = RunScript(workflow, script, services);
    ++(outcome.failures.empty() ? passed : failed);
    Print(script, outcome, flags);
  }
  if (!flags.json) fmt::print("{} passed, {} failed\n", passed, failed);
  return failed;
}

}  // namespace

void RegisterTestDialogues(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("test-dialogues", "Run the dialogues of a workflow as tests");
  auto flags = std::make_shared<TestFlags>();
  command->add_option("workflow", flags->workflow, "Folder of the workflow")
      ->required()
      ->envname("SOTTO_WORKFLOW");
  command->add_option("--dialogues", flags->dialogues, "File or folder; default: dialogues/ of the workflow");
  command->add_option("--model", flags->model,
                      "Let this model understand the users; their calls are compared");
  command->add_option("--threads", flags->threads, "Threads of the model")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  command->add_option("--filter", flags->filter, "Only dialogues whose name contains this");
  command->add_flag("--made-up", flags->made_up, "Make the actions' results up instead of running them");
  command->add_flag("--verbose", flags->verbose, "Print every dialogue");
  command->add_flag("--json", flags->json, "One JSON object a dialogue");
  command->footer(
      "Exit code 0: all passed, 1: some failed.\n\nExample:\n  sotto test-dialogues workflows/banking");
  command->callback([flags, &context] {
    const auto failed = Run(*flags);
    if (!failed) {
      context.Fail(failed.error());
    } else if (*failed > 0) {
      context.exit_code = 1;
    }
  });
}

}  // namespace sotto
