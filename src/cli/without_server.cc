// The commands about a server and what surrounds it (documents, screening, the flywheel) in a program that was built
// without them (SOTTO_SERVER=OFF): each says where it is.
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/server_commands.h"
#include "cli/turn_sink.h"

namespace sotto {
namespace {

constexpr const char* kWhere = "scripts/serve builds the program with it";

void RegisterMissing(CLI::App& app, const char* name, const char* what, CliContext& context) {
  CLI::App* command = app.add_subcommand(name, std::string(what) + " (not in this build)");
  command->prefix_command();
  command->set_help_flag();
  command->callback([name, &context] {
    context.Fail({ErrorCode::kUnsupported, fmt::format("`{}` is not in this build; {}", name, kWhere)});
  });
}

}  // namespace

Result<std::unique_ptr<TurnSink>> OpenTurns(const std::string& path) {
  if (path.ends_with(".sqlite") || path.ends_with(".db"))
    return MakeError(ErrorCode::kUnsupported, "{}: a turn store is not in this build; {}", path, kWhere);
  SOTTO_ASSIGN_OR_RETURN(std::unique_ptr<TurnSink> log, TurnLog::Open(path));
  return log;
}

void RegisterServe(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "serve", "Serve workflows to telephones, browsers and programs", context);
}
void RegisterKeys(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "keys", "API keys of a server", context);
}
void RegisterAudit(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "audit", "What was done to a server", context);
}
void RegisterLogs(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "logs", "What callers said, in a turn store", context);
}
void RegisterFlywheel(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "flywheel", "From what callers really say to the next model", context);
}
void RegisterLabel(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "label", "Say what callers meant", context);
}
void RegisterExplain(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "explain", "Why a turn went as it did", context);
}
void RegisterHistory(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "history", "What was live at any moment", context);
}
void RegisterCanary(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "canary", "A candidate for a share of callers", context);
}
void RegisterPrune(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "prune", "Write a narrower model file", context);
}
void RegisterDistill(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "distill", "Teach a small model what a larger one answers", context);
}
void RegisterQuantize(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "quantize", "Write a model file with quantised matrices", context);
}
void RegisterScreen(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "screen", "Transactions that are odd", context);
}
void RegisterIndex(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "index", "Documents to ask", context);
}
void RegisterAsk(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "ask", "A question to documents", context);
}
void RegisterExtract(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "extract", "Fields of documents", context);
}
void RegisterProcess(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "process", "A folder of documents, as they come", context);
}

void RegisterBenchServe(CLI::App& bench, CliContext& context) {
  RegisterMissing(bench, "serve", "A server under load", context);
}
void RegisterBenchHostile(CLI::App& bench, CliContext& context) {
  RegisterMissing(bench, "hostile", "A server under attack", context);
}
void RegisterBenchManyCalls(CLI::App& bench, CliContext& context) {
  RegisterMissing(bench, "many-calls", "A server's memory over many calls", context);
}
void RegisterBenchRetrieve(CLI::App& bench, CliContext& context) {
  RegisterMissing(bench, "retrieve", "Questions to documents", context);
}

}  // namespace sotto
