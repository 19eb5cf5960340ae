#include "cli/command.h"
#include "cli/commands.h"

namespace sotto {

void CliContext::Fail(const Error& error) {
  fmt::print(stderr, "sotto: {}\n", error.message);
  exit_code = error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kOutOfRange ? 2 : 1;
}

}  // namespace sotto

int main(int argc, char** argv) {
  CLI::App app{"Sotto: a voice assistant that runs on your own machine", "sotto"};
  app.require_subcommand(1);
  sotto::CliContext context;
  sotto::RegisterAll(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return context.exit_code;
}
