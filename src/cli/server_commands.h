// The subcommands about a server, one file each: sotto serve, sotto keys, sotto audit.
#pragma once

namespace CLI {
class App;
}

namespace sotto {

struct CliContext;

void RegisterServe(CLI::App& app, CliContext& context);
void RegisterKeys(CLI::App& app, CliContext& context);
void RegisterAudit(CLI::App& app, CliContext& context);

}  // namespace sotto
