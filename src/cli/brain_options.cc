#include "cli/brain_options.h"

#include "base/clock.h"
#include "slm/chat_template.h"
#include "workflow/parse.h"

namespace sotto {

CLI::Option* AddChatTemplate(CLI::App& command, std::string& name) {
  return command.add_option("--chat-template", name,
                            "Family of the model's chat template, where its file names none that is known: " +
                                ChatTemplate::Names());
}

void BrainFlags::AddTo(CLI::App& command) {
  command.add_option("--workflow", workflow, "Folder of the workflow, or its workflow.yaml")
      ->required()
      ->envname("SOTTO_WORKFLOW");
  command.add_option("--model", model, "GGUF file; default: model.gguf in the workflow's folder")
      ->envname("SOTTO_MODEL");
  command.add_option("--threads", threads, "Threads of the model")
      ->check(CLI::Range(1, 64))
      ->envname("SOTTO_THREADS")
      ->capture_default_str();
  AddChatTemplate(command, chat_template);
  command.add_flag("--no-grounding", no_grounding, "Let values be anything that the schema allows");
}

void TodayFlag::AddTo(CLI::App& command) {
  command.add_option("--today", text,
                     "The day of the call (2026-03-03), on which \"tomorrow\" hangs; default: today");
}

Result<Date> TodayFlag::Day() const {
  if (text.empty()) return LocalDate(SystemClock().WallNow());
  if (const auto date = ParseDate(text)) return *date;
  return MakeError(ErrorCode::kInvalidArgument, "--today is '{}', but should be a day such as 2026-03-03",
                   text);
}

Result<std::shared_ptr<const Workflow>> BrainFlags::LoadWorkflowFile() const {
  return LoadWorkflow(workflow);
}

BrainOptions BrainFlags::Options() const {
  BrainOptions options;
  options.n_threads = threads;
  options.grounding = !no_grounding;
  options.chat_template = chat_template;
  return options;
}

Result<std::shared_ptr<const Brain>> BrainFlags::OpenBrain() const {
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<const Workflow> loaded, LoadWorkflowFile());
  return Brain::Open(std::move(loaded), model, Options());
}

}  // namespace sotto
