#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "cli/command.h"
#include "cli/commands.h"
#include "workflow/suggest.h"

namespace sotto {

std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

void CliContext::Fail(const Error& error) {
  fmt::print(stderr, "sotto: {}\n", OneLine(error.message));
  exit_code = error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kOutOfRange ? 2 : 1;
}

namespace {

// One line for a command line that cannot be understood, with where help is to be had.
std::string UsageError(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  std::string command = "sotto";
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    command += " " + at->get_name();
  }
  std::string message = OneLine(error.what());
  const std::vector<const CLI::App*> known =
      at->get_subcommands([](const CLI::App* command_known) { return !command_known->get_name().empty(); });
  const std::vector<std::string> rest = at->remaining();
  if (!known.empty() && error.get_name() == "RequiredError") {
    std::vector<std::string> names;
    for (const CLI::App* one : known) names.push_back(one->get_name());
    const std::string wrong = rest.empty() ? "" : rest.front();
    const std::string closest = ClosestName(wrong, names);
    message = wrong.empty() ? "a subcommand is missing" : fmt::format("no subcommand '{}'", wrong);
    message += closest.empty() ? fmt::format("; there are {}", fmt::join(names, ", "))
                               : fmt::format("; did you mean '{}'?", closest);
  }
  return fmt::format("sotto: {} ({} --help)\n", message, command);
}

}  // namespace
}  // namespace sotto

int main(int argc, char** argv) {
  CLI::App app{"Sotto: a voice assistant that runs on your own machine", "sotto"};
  app.require_subcommand(1);
  sotto::CliContext context;
  sotto::RegisterAll(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    fmt::print(stderr, "{}", sotto::UsageError(app, error));
    return 2;
  } catch (const std::exception& error) {
    // Exceptions of libraries stop at the folder that uses the library; what gets here is an oversight, and
    // still one line and no crash.
    context.Fail({sotto::ErrorCode::kIo, sotto::OneLine(error.what())});
  }
  // What could not be written was not told: a full disk is no success.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    fmt::print(stderr, "sotto: standard output: {}\n", std::strerror(errno));
    if (context.exit_code == 0) return 1;
  }
  return context.exit_code;
}
