// The subcommands of `sotto model`, one file each group.
#pragma once

namespace CLI {
class App;
}

namespace sotto {

struct CliContext;

void AddModelInfo(CLI::App& model, CliContext& context);
void AddModelImport(CLI::App& model, CliContext& context);
void AddModelTokenize(CLI::App& model, CliContext& context);
void AddModelLogits(CLI::App& model, CliContext& context);
void AddModelEmbed(CLI::App& model, CliContext& context);

}  // namespace sotto
