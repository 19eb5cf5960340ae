// sotto route: which model answers what.
#include "cli/route.h"

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/progress.h"

namespace sotto {

Result<Evaluation> AnswerTurns(std::shared_ptr<const Brain> brain, const std::vector<std::string>& files,
                               Channel channel) {
  std::vector<LabelledConversation> rows;
  for (const std::string& file : files) {
    SOTTO_ASSIGN_OR_RETURN(std::vector<LabelledConversation> more, ReadConversations(file));
    rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  EvaluationOptions options;
  options.channel = channel;
  ProgressBar progress("answering");
  options.on_progress = [&](size_t done, size_t total) { progress.Update(done, total); };
  return Evaluate(std::move(brain), rows, options);
}

void RegisterRoute(CLI::App& app, CliContext& context) {
  CLI::App* route = app.add_subcommand("route", "Which model answers what: thresholds, reasons, costs");
  route->require_subcommand(1);
  RegisterRouteExplain(*route, context);
  RegisterRouteCalibrate(*route, context);
  RegisterRouteBench(*route, context);
}

}  // namespace sotto
