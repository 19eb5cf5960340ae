// The commands about a server in a program that was built without one (SOTTO_SERVER=OFF): each says where it is.
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/server_commands.h"

namespace sotto {
namespace {

void RegisterMissing(CLI::App& app, const char* name, const char* what, CliContext& context) {
  CLI::App* command = app.add_subcommand(name, std::string(what) + " (not in this build)");
  command->prefix_command();
  command->set_help_flag();
  command->callback([name, &context] {
    context.Fail({ErrorCode::kUnsupported,
                  fmt::format("`{}` is not in this build; scripts/serve builds the program with it", name)});
  });
}

}  // namespace

void RegisterServe(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "serve", "Serve workflows to telephones, browsers and programs", context);
}

void RegisterKeys(CLI::App& app, CliContext& context) {
  RegisterMissing(app, "keys", "API keys of a server", context);
}

void RegisterBenchServe(CLI::App& bench, CliContext& context) {
  RegisterMissing(bench, "serve", "A server under load", context);
}

}  // namespace sotto
