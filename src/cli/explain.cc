// sotto explain: why the assistant did what it did, one turn.
#include "flywheel/explain.h"

#include "cli/command.h"
#include "cli/commands.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct ExplainFlags {
  std::string session;
  int turn = 0;
  std::string log;
  std::string workflow;
  bool json = false;
};

// Of a store, or of a log of one record a line.
Result<std::vector<StoredTurn>> ReadSession(const ExplainFlags& flags, std::vector<Label>& labels) {
  if (IsTurnStorePath(flags.log)) {
    SOTTO_ASSIGN_OR_RETURN(const auto store, TurnStore::Open(flags.log, {.create = false}));
    SOTTO_ASSIGN_OR_RETURN(LabelStore label_store, LabelStore::Open(flags.log));
    SOTTO_ASSIGN_OR_RETURN(labels, label_store.Standing());
    return store->ReadAll({.session = flags.session});
  }
  std::vector<std::string> errors;
  SOTTO_ASSIGN_OR_RETURN(const std::vector<TurnRecord> records, ReadTurnRecords(flags.log, &errors));
  std::vector<StoredTurn> session;
  for (const TurnRecord& record : records) {
    if (record.session != flags.session) continue;
    StoredTurn turn;
    turn.record = record;
    session.push_back(std::move(turn));
  }
  return session;
}

Result<void> Explain(const ExplainFlags& flags) {
  std::vector<Label> labels;
  SOTTO_ASSIGN_OR_RETURN(const std::vector<StoredTurn> session, ReadSession(flags, labels));
  if (session.empty())
    return MakeError(ErrorCode::kNotFound, "{}: no session {} (`sotto logs list` names them)", flags.log,
                     flags.session);
  std::shared_ptr<const Workflow> workflow;
  if (!flags.workflow.empty()) {
    SOTTO_ASSIGN_OR_RETURN(workflow, LoadWorkflow(flags.workflow));
  }
  SOTTO_ASSIGN_OR_RETURN(const Json explanation, ExplainTurn(session, flags.turn, workflow.get(), labels));
  if (flags.json) {
    fmt::print("{}\n", explanation.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}", ExplanationText(explanation));
  }
  return {};
}

}  // namespace

void RegisterExplain(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("explain", "Why the assistant did what it did: one turn, step by step");
  auto flags = std::make_shared<ExplainFlags>();
  command->add_option("session", flags->session, "Id of the conversation")->required();
  command->add_option("turn", flags->turn, "Number of the turn; 0 is the greeting")->required();
  command->add_option("--log", flags->log, "Turn store (*.sqlite, *.db) or turn records, one a line")
      ->envname("SOTTO_STORE")
      ->required();
  command->add_option("--workflow", flags->workflow, "Folder of the workflow: knows synonyms of values");
  command->add_flag("--json", flags->json, "As JSON");
  command->footer("Example:\n  sotto explain 0123456789abcdef0123456789abcdef 3 --log turns.sqlite");
  command->callback([flags, &context] {
    if (auto result = Explain(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
