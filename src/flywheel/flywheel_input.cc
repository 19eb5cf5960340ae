#include "flywheel/flywheel_input.h"

namespace sotto {

Result<std::unique_ptr<FlywheelInput>> FlywheelInput::Open(std::shared_ptr<const Workflow> workflow,
                                                           const FlywheelInputOptions& options) {
  auto input = std::make_unique<FlywheelInput>();
  input->workflow = std::move(workflow);
  SOTTO_ASSIGN_OR_RETURN(const auto store, TurnStore::Open(options.store, {.create = false}));
  SOTTO_ASSIGN_OR_RETURN(input->log, ReadLog(*store, options.query));
  std::erase_if(input->log.sessions, [&](const std::vector<StoredTurn>& session) {
    const std::string& of = session.front().record.workflow;
    return !of.empty() && of != input->workflow->name;
  });
  SOTTO_ASSIGN_OR_RETURN(LabelStore labels, LabelStore::Open(options.store));
  SOTTO_ASSIGN_OR_RETURN(input->standing, labels.Standing());
  SOTTO_ASSIGN_OR_RETURN(input->labels, labels.Resolve(options.least_models));
  input->rules_ = std::make_unique<LabelRules>(*input->workflow);
  input->evidence = options.evidence;
  for (const std::string& source : options.trust) input->evidence.label_sources.insert(source);
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

Cleaned FlywheelInput::Clean(std::function<void(size_t done, size_t total)> progress) const {
  CleanOptions options;
  options.evidence = evidence;
  options.progress = std::move(progress);
  return CleanLog(log, *workflow, options);
}

}  // namespace sotto
