// sotto flywheel: the circle, step by step and as one command.
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstring>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/flywheel.h"
#include "cli/flywheel_command.h"
#include "flywheel/circle.h"

extern char** environ;

namespace sotto {
namespace {

struct RunFlags {
  std::string workflow, store, out;
  std::vector<std::string> imports;
  std::string doubted_by;
  QueryFlags query;
  std::vector<std::string> then;  // further commands
  double minutes = 0;             // of training; 0: none
  int64_t steps = 0;              // exactly so many instead; 0: `minutes` says
  double logged_share = 0.3;
  size_t count = 8000;
  int nice = 15;
  int threads = 1;
  bool anew = false;
  bool plan = false;
  bool json = false;
};

std::vector<std::string> SplitArguments(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false, any = false;
  for (const char c : text) {
    if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (c == ' ' && !quoted) {
      if (any || !word.empty()) words.push_back(std::exchange(word, {}));
      any = false;
    } else {
      word += c;
    }
  }
  if (any || !word.empty()) words.push_back(word);
  return words;
}

// The circle of this command line. What follows training (evaluate, canary, ...) comes with --then.
std::vector<CircleStep> StepsOf(const RunFlags& flags) {
  const auto input = [&](std::vector<std::string> arguments) {
    for (const auto& [option, value] :
         {std::pair{"--workflow", flags.workflow}, std::pair{"--store", flags.store},
          std::pair{"--since", flags.query.since}, std::pair{"--until", flags.query.until},
          std::pair{"--doubted-by", flags.doubted_by}}) {
      if (value.empty()) continue;
      arguments.emplace_back(option);
      arguments.push_back(value);
    }
    return arguments;
  };
  std::vector<CircleStep> steps;
  if (!flags.imports.empty()) {
    // What cannot be read is listed; that the rest could not be stored ends the round.
    CircleStep step{"import",
                    {"logs", "import", "--store", flags.store, "--workflow", flags.workflow, "--listed",
                     flags.out + "/not_read.txt", "--no-exit-code"},
                    false};
    step.arguments.insert(step.arguments.end(), flags.imports.begin(), flags.imports.end());
    steps.push_back(std::move(step));
  }
  steps.push_back({"clean", input({"flywheel", "clean", "--out", flags.out}), false});
  steps.push_back({"report", input({"flywheel", "report", "--out", flags.out}), false});
  steps.push_back({"queue", input({"label", "--export", flags.out + "/queue.jsonl"}), false});
  if (flags.minutes > 0 || flags.steps > 0) {
    // The report folder of the workflow keeps a checkpoint: a cut-off training goes on. One that failed ends the
    // round: what lies there may be the candidate of another.
    steps.push_back({"train",
                     {"train", flags.workflow, "--continue", flags.out + "/labelled.jsonl", "--logged-share",
                      fmt::format("{}", flags.logged_share), "--count", std::to_string(flags.count),
                      flags.steps > 0 ? "--steps" : "--minutes",
                      flags.steps > 0 ? std::to_string(flags.steps) : fmt::format("{}", flags.minutes),
                      "--threads", std::to_string(flags.threads), "--resume", "--candidate-only"},
                     false});
  }
  for (const std::string& command : flags.then) {
    CircleStep step;
    step.arguments = SplitArguments(command);
    step.name = command;
    step.may_hold = true;
    steps.push_back(std::move(step));
  }
  return steps;
}

Result<int> RunThisProgram(const std::vector<std::string>& arguments) {
  std::error_code error;
  std::string program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) return MakeError(ErrorCode::kIo, "/proc/self/exe: {}", error.message());
  std::vector<char*> argv{program.data()};
  std::vector<std::string> words = arguments;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  if (const int failed = posix_spawn(&child, program.c_str(), nullptr, nullptr, argv.data(), environ);
      failed != 0)
    return MakeError(ErrorCode::kIo, "{}: {}", program, std::strerror(failed));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<void> RunFlywheel(const RunFlags& flags) {
  const std::vector<CircleStep> steps = StepsOf(flags);
  if (flags.plan) {
    for (const CircleStep& step : steps) {
      fmt::print("{}: sotto", step.name);
      for (const std::string& word : step.arguments) fmt::print(" {}", word);
      fmt::print("\n");
    }
    return {};
  }
  // What calls need comes first; children inherit it.
  if (flags.nice > 0 && ::setpriority(PRIO_PROCESS, 0, flags.nice) != 0)
    return MakeError(ErrorCode::kIo, "cannot be nice: {}", std::strerror(errno));
  ::setenv("SOTTO_THREADS", std::to_string(flags.threads).c_str(), 1);
  ::setenv("OMP_NUM_THREADS", std::to_string(flags.threads).c_str(), 1);
  SOTTO_ASSIGN_OR_RETURN(const CircleState state,
                         RunCircle(flags.out, steps, flags.anew,
                                   [&](const CircleStep& step, const CircleState& at) -> Result<int> {
                                     fmt::print(stderr, "[{}/{}] {}\n", at.next + 1, steps.size(), step.name);
                                     return RunThisProgram(step.arguments);
                                   }));
  if (flags.json) {
    fmt::print("{}\n", ToJson(state).dump());
    return {};
  }
  for (const CircleState::Done& done : state.done)
    fmt::print("{:<10} {} to {}{}\n", done.step, done.began, done.ended,
               done.exit_code == 0 ? "" : fmt::format("  held (exit code {})", done.exit_code));
  return {};
}

}  // namespace

void RegisterFlywheelRun(CLI::App& flywheel, CliContext& context) {
  CLI::App* command = flywheel.add_subcommand("run", "The whole circle; goes on where it was cut off");
  auto flags = std::make_shared<RunFlags>();
  command->add_option("--workflow", flags->workflow, "Folder of the workflow")
      ->envname("SOTTO_WORKFLOW")
      ->required();
  AddStoreOption(*command, flags->store);
  command->add_option("--out", flags->out, "Folder of this circle: state, rows, report, queue")->required();
  command->add_option("--import", flags->imports,
                      "Logs that are taken in first (sotto logs import); several");
  command->add_option("--doubted-by", flags->doubted_by, "As of `sotto flywheel clean`");
  flags->query.AddTo(*command);
  command->remove_option(command->get_option("--session"));
  command->add_option("--minutes", flags->minutes, "Train a candidate for so long; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--steps", flags->steps,
                   "Train exactly so many steps instead: the same candidate however busy the machine is")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--logged-share", flags->logged_share,
                   "What was logged, of the tokens that are learnt from")
      ->check(CLI::Range(0.01, 0.95))
      ->capture_default_str();
  command->add_option("--count", flags->count, "Generated conversations to learn from besides: the replay")
      ->capture_default_str();
  command->add_option(
      "--then", flags->then,
      "A further command of this program, as one argument: \"evaluate ...\"; several, in this order; "
      "exit code 1 of theirs is an outcome");
  command->add_option("--nice", flags->nice, "How far the circle stands back behind calls, 0 to 19")
      ->check(CLI::Range(0, 19))
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "Threads that its steps compute on")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_flag("--anew", flags->anew, "Begin a new round although the last one was cut off");
  command->add_flag("--plan", flags->plan, "Only say which commands would run");
  command->add_flag("--json", flags->json, "The state as JSON");
  command->footer(
      "Example:\n  sotto flywheel run --workflow workflows/banking --store turns.sqlite --out circle "
      "--minutes 20\n"
      "On a schedule: deploy/sotto-flywheel.timer");
  command->callback([flags, &context] {
    if (auto result = RunFlywheel(*flags); !result) context.Fail(result.error());
  });
}

void RegisterFlywheel(CLI::App& app, CliContext& context) {
  CLI::App* flywheel = app.add_subcommand("flywheel", "From what callers really say to the next model");
  flywheel->require_subcommand(1);
  RegisterFlywheelClean(*flywheel, context);
  RegisterFlywheelReport(*flywheel, context);
  RegisterFlywheelPropose(*flywheel, context);
  RegisterFlywheelWatch(*flywheel, context);
  RegisterFlywheelRun(*flywheel, context);
  RegisterFlywheelVersions(*flywheel, context);
  RegisterFlywheelEvaluate(*flywheel, context);
  RegisterFlywheelDocuments(*flywheel, context);
}

}  // namespace sotto
