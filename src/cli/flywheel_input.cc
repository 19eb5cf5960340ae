#include "cli/flywheel_input.h"

#include "cli/progress.h"
#include "workflow/parse.h"

namespace sotto {

void FlywheelFlags::AddTo(CLI::App& command) {
  command.add_option("--workflow", workflow, "Folder of the workflow")->envname("SOTTO_WORKFLOW")->required();
  AddStoreOption(command, store);
  query.AddTo(command);
  command
      .add_option("--min-confidence", evidence.min_confidence,
                  "Below it a turn that nobody confirmed is unsure")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--min-heard", evidence.min_heard, "Below it a turn was misheard (HeardConfidence)")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option(
      "--trust", trust,
      "Form of import whose calls are labels, besides conversations: rasa, csv, openai, langfuse; several");
  command
      .add_option("--model-votes", least_models,
                  "So many models that agree label a turn that no person has; 0: models never do")
      ->capture_default_str();
  command.add_flag("--unchallenged", evidence.unchallenged,
                   "Keep what nobody objected to as well: greetings, \"say that again\"");
}

Result<std::unique_ptr<FlywheelInput>> FlywheelInput::Open(const FlywheelFlags& flags) {
  auto input = std::make_unique<FlywheelInput>();
  SOTTO_ASSIGN_OR_RETURN(input->workflow, LoadWorkflow(flags.workflow));
  SOTTO_ASSIGN_OR_RETURN(const auto store, TurnStore::Open(flags.store, {.create = false}));
  SOTTO_ASSIGN_OR_RETURN(TurnQuery query, flags.query.Query());
  // Of a store with several workflows this one's turns, and those that do not say whose they are.
  SOTTO_ASSIGN_OR_RETURN(input->log, ReadLog(*store, query));
  std::erase_if(input->log.sessions, [&](const std::vector<StoredTurn>& session) {
    const std::string& of = session.front().record.workflow;
    return !of.empty() && of != input->workflow->name;
  });
  PrintListed(input->log.not_read);
  SOTTO_ASSIGN_OR_RETURN(LabelStore labels, LabelStore::Open(flags.store));
  SOTTO_ASSIGN_OR_RETURN(input->standing, labels.Standing());
  SOTTO_ASSIGN_OR_RETURN(input->labels, labels.Resolve(flags.least_models));
  input->rules_ = std::make_unique<LabelRules>(*input->workflow);
  input->evidence = flags.evidence;
  for (const std::string& source : flags.trust) input->evidence.label_sources.insert(source);
  input->evidence.why_invalid = [rules = input->rules_.get()](const Conversation& conversation) {
    return rules->WhyInvalid(conversation);
  };
  input->evidence.label_of = [labels_of = &input->labels.labels](const std::string& session,
                                                                 int turn) -> std::optional<GivenLabel> {
    const auto found = labels_of->find({session, turn});
    if (found == labels_of->end()) return std::nullopt;
    return GivenLabel{found->second.calls, found->second.author};
  };
  return input;
}

Cleaned FlywheelInput::Clean() const {
  ProgressBar bar("judging turns");
  CleanOptions options;
  options.evidence = evidence;
  options.progress = [&](size_t done, size_t total) { bar.Update(done, total); };
  return CleanLog(log, *workflow, options);
}

}  // namespace sotto
