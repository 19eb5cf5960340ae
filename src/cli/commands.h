// Every subcommand of the program. Add yours here: one declaration, one line in RegisterAll.
#pragma once

namespace CLI {
class App;
}

namespace sotto {

struct CliContext;

inline void RegisterAll([[maybe_unused]] CLI::App& app, [[maybe_unused]] CliContext& context) {}

}  // namespace sotto
