#include "flywheel/flywheel_input.h"

#include <algorithm>

#include "brain/evaluation.h"
#include "workflow/parse.h"

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
  if (!options.doubted_by.empty()) SOTTO_RETURN_IF_ERROR(input->Doubt(options));
  return input;
}

Result<void> FlywheelInput::Doubt(const FlywheelInputOptions& options) {
  SOTTO_ASSIGN_OR_RETURN(const auto live, LoadWorkflow(options.doubted_by.string()));
  SOTTO_ASSIGN_OR_RETURN(const auto brain, Brain::Open(live, {}, {.n_threads = options.n_threads}));
  std::vector<LabelledConversation> rows;
  std::vector<std::vector<const StoredTurn*>> turns;  // of each row
  for (const auto& session : log.sessions) {
    if (!evidence.label_sources.contains(session.front().source)) continue;
    LabelledConversation& row = rows.emplace_back();
    row.line = static_cast<int>(rows.size()) - 1;
    std::vector<const StoredTurn*>& of = turns.emplace_back();
    for (const StoredTurn& stored : session) {
      if (!HasWords(stored.record)) continue;
      Turn turn{WordsOf(stored.record), stored.record.expectation, CallsOf(stored.record)};
      // What it cannot know is nothing to it.
      const bool known =
          !turn.calls.empty() && std::all_of(turn.calls.begin(), turn.calls.end(), [&](const auto& call) {
            return live->FindTool(call.name) != nullptr || IsControlTool(call.name);
          });
      if (!known) turn.calls = {{live->unclear_tool, Json::object()}};
      row.conversation.turns.push_back(std::move(turn));
      of.push_back(known ? &stored : nullptr);
    }
    if (of.empty()) {
      rows.pop_back();
      turns.pop_back();
    }
  }
  if (rows.empty()) return {};
  SOTTO_ASSIGN_OR_RETURN(const Evaluation heard, Evaluate(brain, rows, {}));
  for (const ScoredTurn& turn : heard.turns) {
    const StoredTurn* stored = turns[static_cast<size_t>(turn.line)][static_cast<size_t>(turn.turn - 1)];
    if (stored == nullptr || turn.name_right || turn.confidence < evidence.sure) continue;
    doubted_.insert({stored->record.session, stored->record.turn});
  }
  evidence.doubted = [this](const std::string& session, int turn) {
    return doubted_.contains({session, turn});
  };
  return {};
}

Cleaned FlywheelInput::Clean(std::function<void(size_t done, size_t total)> progress) const {
  CleanOptions options;
  options.evidence = evidence;
  options.progress = std::move(progress);
  return CleanLog(log, *workflow, options);
}

}  // namespace sotto
