#include "cli/flywheel_input.h"

#include "cli/progress.h"
#include "workflow/parse.h"

namespace sotto {

void FlywheelFlags::AddTo(CLI::App& command) {
  command.add_option("--workflow", workflow, "Folder of the workflow")->envname("SOTTO_WORKFLOW")->required();
  AddStoreOption(command, store);
  query.AddTo(command);
  command
      .add_option("--min-confidence", options.evidence.min_confidence,
                  "Below it a turn that nobody confirmed is unsure")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--min-heard", options.evidence.min_heard, "Below it a turn was misheard (HeardConfidence)")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option(
      "--trust", options.trust,
      "Form of import whose calls are labels, besides conversations: rasa, csv, openai, langfuse; several");
  command.add_option(
      "--doubted-by", options.doubted_by,
      "Folder of the workflow as it is live, with its model: labels of imports that it surely hears "
      "otherwise are asked about instead of learnt");
  command
      .add_option("--model-votes", options.least_models,
                  "So many models that agree label a turn that no person has; 0: models never do")
      ->capture_default_str();
  command.add_flag("--unchallenged", options.evidence.unchallenged,
                   "Keep what nobody objected to as well: greetings, \"say that again\"");
}

Result<std::unique_ptr<FlywheelInput>> OpenFlywheelInput(const FlywheelFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(auto workflow, LoadWorkflow(flags.workflow));
  FlywheelInputOptions options = flags.options;
  options.store = flags.store;
  SOTTO_ASSIGN_OR_RETURN(options.query, flags.query.Query());
  SOTTO_ASSIGN_OR_RETURN(auto input, FlywheelInput::Open(std::move(workflow), options));
  PrintListed(input->log.not_read);
  return input;
}

Cleaned CleanWithProgress(const FlywheelInput& input) {
  ProgressBar bar("judging turns");
  return input.Clean([&](size_t done, size_t total) { bar.Update(done, total); });
}

}  // namespace sotto
